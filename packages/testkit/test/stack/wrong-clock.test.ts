import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/stack/run-command.ts';
import { clockOffBy } from '../../src/stack/wrong-clock.ts';

const hourMs = 3_600_000;

describe.runIf(process.platform === 'linux')('a wrong clock', () => {
  it.each([
    { name: 'an hour ahead', seconds: 3_600, expectedMs: hourMs },
    { name: 'an hour behind', seconds: -3_600, expectedMs: -hourMs },
  ])(
    'is $name in Node, and leaves timers alone',
    async ({ seconds, expectedMs }) => {
      const program = `
      const startedAt = performance.now();
      setTimeout(() => console.log(JSON.stringify([Date.now(), performance.now() - startedAt])), 20);
    `;
      const env = { ...process.env, ...(await clockOffBy(seconds)) };
      const { stdout } = await runCommand(process.execPath, ['--eval', program], { env, timeoutMs: 60_000 });
      const [wallMs = 0, tookMs = 0]: readonly number[] = JSON.parse(stdout);
      // The clock goes on while the process starts and ends: within half an hour of what it must be is far from right time.
      expect(Math.abs(wallMs - Date.now() - expectedMs)).toBeLessThan(hourMs / 2);
      expect(tookMs).toBeGreaterThan(0);
      expect(tookMs).toBeLessThan(hourMs / 2);
    },
    120_000,
  );
});
