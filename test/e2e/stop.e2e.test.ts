// Every process ends as asked: SIGTERM and SIGINT, with exit code 0, and nothing is lost on the way.
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { startSystem } from './system.ts';

describe('stopping', () => {
  it('ends every process with exit code 0, and the next ones publish what was left', async () => {
    // A static world: a row that was received and not admitted when the poller ended is served again.
    await using system = await startSystem({
      redisUrl: inject('redisUrl'),
      kafkaBrokers: inject('kafkaBrokers'),
      providers: { static: true },
    });
    const first = [await system.start('poller-worker'), await system.start('producer-worker')];
    await system.start('scheduler');
    await waitUntil('records to flow', async () => (await system.stored()).length > 0, {
      timeoutMs: 60_000,
      intervalMs: 500,
    });
    expect(await Promise.all(first.map((process) => process.end('SIGTERM')))).toEqual([0, 0]);
    await system.start('poller-worker');
    await system.start('producer-worker');
    await system.drain();
    const comparison = await system.compare();
    expect(comparison.isExact, formatComparison(comparison)).toBe(true);
  });

  it('ends the process that does everything on Ctrl-C', async () => {
    await using system = await startSystem({ redisUrl: inject('redisUrl'), kafkaBrokers: inject('kafkaBrokers') });
    const all = await system.start('stream-manager');
    await all.url();
    expect(await all.end('SIGINT')).toBe(0);
  });
});
