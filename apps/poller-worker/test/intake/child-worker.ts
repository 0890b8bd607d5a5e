// Starts and kills poller workers as processes of their own, on the config of a test's bundle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./mqtt/worker-child.ts', import.meta.url));

export interface ChildWorker extends AsyncDisposable {
  /** Of its HTTP server. */
  readonly url: string;
  /** Resolves with the signal that ended it, or null. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(): Promise<void>;
}

/** Starts one; `fatal`: where it kills itself. Ended with the block that it was started in. */
export const startChild = async (
  config: unknown,
  fatal: readonly [at: 'message' | 'acknowledge', nth: number] | readonly [] = [],
): Promise<ChildWorker> => {
  const dir = await mkdtemp(join(tmpdir(), 'worker-'));
  const file = join(dir, 'stream.json');
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, [script, file, ...fatal.map(String)], {
    env: { PATH: process.env['PATH'], TEST_LOG: process.env['TEST_LOG'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([, signal]): NodeJS.Signals | null => signal);
  const started = Promise.withResolvers<string>();
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    const url = /^started (\S+)$/m.exec(text)?.[1];
    if (url !== undefined) started.resolve(url);
  });
  void ended.then((signal) => started.reject(new Error(`the worker ended by ${signal} before it had started`)));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    return {
      url: await started.promise,
      ended,
      kill,
      [Symbol.asyncDispose]: async () => {
        await kill();
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
};
