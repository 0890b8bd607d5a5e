import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

describe('the log of a process', () => {
  it('does not keep it from ending when the reader of its output has gone', async () => {
    const script = fileURLToPath(new URL('./last-lines.ts', import.meta.url));
    for (let times = 0; times < 3; times += 1) {
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      child.stdout.destroy();
      await once(child.stdout, 'close');
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    }
  }, 30_000);
});
