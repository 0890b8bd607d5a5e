// What commands are given: the terminal they write to, whether a person is there, how that person ends them, and where the
// API is.
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { ApiAccess } from '@stream-manager/shared/ops/data-directory';
import { findApiAccess } from './api-access.ts';

/** Results go `out`, everything else is a notice. */
export interface Terminal {
  readonly out: (text: string) => void;
  /** Resolves when what was written has been taken by its reader, so that nothing piles up here. */
  readonly drained: () => Promise<void>;
  /** What is written goes to a reader at a terminal, not to a file or another program. */
  readonly outIsTerminal: boolean;
  /** Its width in characters; null when standard output is no terminal: then nothing is shortened. */
  readonly width: number | null;
  /** Notices and progress. */
  readonly notice: (text: string) => void;
  /** The notices go to a terminal that can rewrite a line. */
  readonly isTerminal: boolean;
  /** Asks a question; null: there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /** Aborts when the operator wants it to end. A command that never asks for it ends at once with Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The terminal and what is around it. */
export interface CommandContext extends Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where the API is; rejects with a sentence that says how to name it. */
  readonly findApi: () => Promise<ApiAccess>;
}

/** That of this process. A second Ctrl-C ends it at once; a reader that closes the pipe ends it quietly. */
export const processContext = (): CommandContext => {
  const { stdin, stdout, stderr } = process;
  let interrupted: AbortController | null = null;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `… | head` has read enough.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    env: process.env,
    cwd: process.cwd(),
    findApi: () => findApiAccess(process.env),
    out: (text) => void stdout.write(text),
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain');
    },
    outIsTerminal: stdout.isTTY,
    // A terminal that does not know its width says 0.
    width: stdout.isTTY ? stdout.columns || 120 : null,
    notice: (text) => void stderr.write(text),
    isTerminal: stderr.isTTY,
    confirm:
      stdin.isTTY && stderr.isTTY
        ? async (question) => {
            const asking = createInterface({ input: stdin, output: stderr });
            try {
              return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `)).trim());
            } finally {
              asking.close();
            }
          }
        : null,
    get signal() {
      if (interrupted === null) {
        const controller = new AbortController();
        process.once('SIGINT', () => controller.abort());
        process.once('SIGTERM', () => controller.abort());
        interrupted = controller;
      }
      return interrupted.signal;
    },
  };
};
