// The source's queue opened on real Redis with a publisher of the test's own.
import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { after } from '@stream-manager/shared/ops/after';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { closedTap } from '@stream-manager/shared/queues/tap';
import type { SendFailure } from '../src/delivery/publish.ts';
import { createHeadWatch } from '../src/queues/head-watch.ts';
import { type OpenRecordsDeps, type OpenRecordsOptions, openRecordsQueue } from '../src/queues/open-records-queue.ts';
import { readHeads } from '../src/queues/read-heads.ts';
import { silent } from './chunks.ts';
import { type ProducerBundle, sourceId } from './producer-bundle.ts';

/** Opens the queue; disposing closes it. */
export const openQueueWith = (
  producer: ProducerBundle,
  publish: (records: readonly OutgoingRecord[]) => Promise<readonly SendFailure[]>,
  options: Partial<OpenRecordsOptions> = {},
  deps: Partial<OpenRecordsDeps> = {},
) => {
  const letters: DeadLetter[] = [];
  const queue = openRecordsQueue(
    {
      redis: producer.redis,
      store: producer.store,
      queue: producer.records,
      publisher: {
        publish: async (records) => {
          const failures = await publish(records);
          const failed = new Set(failures.flatMap(({ indexes }) => indexes));
          return { failures, acknowledged: records.length - failed.size };
        },
      },
      gate: { enter: () => ({ end: () => {} }), isShut: () => false, join: () => () => {} },
      throttle: createRedisThrottleStore({ redis: producer.redis, keyPrefix: producer.config.redis.keyPrefix }),
      heads: createHeadWatch({
        readHeads: (ids) => readHeads(producer.redis, producer.config.redis.keyPrefix, ids),
        logger: silent,
        after,
      }),
      random: () => 0,
      topics: { needsContent: () => false, resolve: () => ({ topic: producer.topic, rule: 'source' }) },
      addLetters: async (_sourceId, added) => {
        letters.push(...added);
        return { lie: added.map(() => true), full: null };
      },
      notes: { raise: () => {} },
      tap: closedTap,
      metrics: createMetrics(),
      logger: silent,
      now: Date.now,
      pause: async () => {},
      stopped: new AbortController().signal,
      after,
      ...deps,
    },
    {
      sourceId,
      keyPrefix: producer.config.redis.keyPrefix,
      workerName: 'test',
      batchSize: 500,
      batchTimeoutMs: 5_000,
      maxAttempts: 3,
      backoffMs: [50, 100],
      jitter: 0,
      isOrdered: false,
      destinationGraceMs: 300_000,
      outagesCount: false,
      rates: { maxRate: 100_000, minRate: 10 },
      ...options,
    },
  );
  return { letters, [Symbol.asyncDispose]: () => queue.close() };
};
