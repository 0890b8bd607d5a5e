// Decisions of the fleet's throttle, as a producer writes them, for tests of what a poller makes of one.
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { type PollerBundle, sourceId } from './poller-bundle.ts';

/** The fleet's decision for the source, `ageMs` ago by Redis' clock. */
export const decide = async (poller: PollerBundle, delayMs: number, ageMs = 0): Promise<void> => {
  const store = createRedisThrottleStore(poller);
  const at = (await store.now()) - ageMs;
  const from = (await store.load([sourceId])).get(sourceId)!;
  await store.step(
    new Map([
      [
        sourceId,
        {
          from,
          state: { level: 2, allowedRate: 10, lowSamples: 0, at, ends: {}, since: at, sliceMs: 1000, slices: [] },
          decision: {
            action: 'throttle_critical',
            level: 2,
            delayMs,
            allowedRate: 10,
            lag: 9000,
            averageLag: 8000,
            targetRecords: 1000,
            criticalRecords: 5000,
            trendPerSecond: 0,
            drainSeconds: null,
            reason: 'lag of group archive on fires is 9000, critical from 5000',
          },
          holdsMs: 30_000,
          lag: { records: 9000, group: 'archive', topic: 'fires', groups: [], abandoned: [] },
        },
      ],
    ]),
  );
};
