// A backfill of a built-in type, through the real HTTP client, against the simulated provider: what the provider served is
// what lies in the queues, once.
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { type BackfillView, createBackfills } from '@stream-manager/shared/queues/backfills';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../../src/compose.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../poller-bundle.ts';

const dayMs = 86_400_000;

const actsOf = ({ redis, keyPrefix, polls }: PollerBundle) =>
  createBackfills({ store: createBackfillStore(redis, keyPrefix), queue: polls, now: Date.now });

/** Asks for a time, and waits for the end of the backfill. */
const backfill = async (poller: PollerBundle, fromMs: number, toMs: number): Promise<BackfillView> => {
  const acts = actsOf(poller);
  const answer = await acts.request({ sourceId, fromMs, toMs, requestedBy: 'the test' });
  if (answer.kind === 'refused') throw new Error(answer.reason);
  return waitUntil(
    'the end of the backfill',
    async () => (await acts.list(sourceId)).find(({ id, endedAt }) => id === answer.backfillId && endedAt !== null),
    { timeoutMs: 60_000 },
  );
};

describe('a backfill of nasa-firms', () => {
  it('brings the days that polls do not ask for, and fails with the reason for days that there are not', async () => {
    const today = Math.floor(Date.now() / dayMs) * dayMs;
    const providers = await startProviders({
      startAt: today - 10 * dayMs + dayMs / 2,
      firms: { backlog: 300, perMinute: 0 },
    });
    const params = {
      mapKey: providers.mapKey,
      dataset: 'VIIRS_SNPP_NRT',
      bbox: [-124.48, 32.53, -114.13, 42.01],
      dayRange: 1,
    };
    const entry = { type: 'nasa-firms', baseUrl: providers.url, rateLimitPerMinute: 600, params };
    await using poller = await openPollerBundle({}, { sources: { [sourceId]: entry } });
    const worker = composePollerWorker(poller.context());
    await worker.start(new AbortController().signal);
    try {
      expect((await poller.pollOnce()).returnvalue).toMatchObject({ outcome: 'ok', records: 0 });
      expect(await backfill(poller, today - 12 * dayMs, today - 4 * dayMs)).toMatchObject({
        state: 'finished',
        records: 300,
      });
      const stored = await poller.stored();
      expect(stored).toHaveLength(300);
      expect(new Set(stored.map(({ id }) => id)).size).toBe(300);
      expect(providers.ledger.served()).toHaveLength(300);
      expect(await backfill(poller, today - 90 * dayMs, today - 80 * dayMs)).toMatchObject({
        state: 'failed',
        records: 0,
        error: expect.stringContaining('older days are in the standard data sets'),
      });
    } finally {
      await worker.stop();
      await providers.stop();
    }
  });
});
