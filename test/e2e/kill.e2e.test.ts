// A poller and a producer killed in the middle: nothing is missing, doubled at most what was in flight.
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { startSystem } from './system.ts';

const rows = 60_000;
/** A killed producer holds at most this many records: the chunks in hand, each up to 500. */
const inFlightMax = 4_000;

describe('SIGKILL of a poller and a producer in the middle of the work', () => {
  it('loses nothing, and doubles at most what was in flight', async () => {
    await using system = await startSystem({
      redisUrl: inject('redisUrl'),
      kafkaBrokers: inject('kafkaBrokers'),
      // A static world serves the same rows again: what a killed poller had received but not admitted must come back.
      providers: { static: true, firms: { bulk: { rows } } },
      config: { queue: { maxRecords: rows / 2 } },
    });
    await system.start('scheduler');
    const [poller, , producer] = await Promise.all(
      (['poller-worker', 'poller-worker', 'producer-worker', 'producer-worker'] as const).map((role) =>
        system.start(role),
      ),
    );
    const api = await system.api();
    const published = async (): Promise<number> =>
      (await api.streams()).streams.find(({ id }) => id === 'firms')?.published ?? 0;
    await waitUntil('publishing to be under way', async () => (await published()) > 5_000, { timeoutMs: 60_000 });
    await Promise.all([poller?.end('SIGKILL'), producer?.end('SIGKILL')]);
    await waitUntil('the others to publish the rest', async () => (await published()) >= rows, { timeoutMs: 120_000 });
    await system.drain();
    const comparison = await system.compare();
    const text = formatComparison(comparison);
    expect(comparison.total.missing, text).toBe(0);
    expect(comparison.total.foreign + comparison.total.misplaced + comparison.total.different, text).toBe(0);
    expect(comparison.total.doubled, text).toBeLessThanOrEqual(inFlightMax);
  });
});
