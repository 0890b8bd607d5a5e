// What a command is given in tests: what it says is kept, and nobody is there to be asked.
import type { CommandContext } from '../src/terminal.ts';

/** A context in a directory. `said`: standard output; `noticed`: standard error. */
export const contextIn = (cwd: string, over: Partial<CommandContext> = {}) => {
  let said = '';
  let noticed = '';
  const context: CommandContext = {
    out: (text) => {
      said += text;
    },
    drained: async () => {},
    outIsTerminal: false,
    width: null,
    notice: (text) => {
      noticed += text;
    },
    isTerminal: false,
    confirm: null,
    signal: new AbortController().signal,
    env: { STREAM_DATA_DIR: cwd },
    cwd,
    findApi: async () => {
      throw new Error('no API is known here');
    },
    ...over,
  };
  return { context, said: () => said, noticed: () => noticed };
};
