// The composition root of the producer worker: the only place where its real adapters are made.
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import type { Compose, Composition } from '@stream-manager/shared/ops/process-context';
import { openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import type { ChunkLimits } from '@stream-manager/shared/queues/chunk-store';
import { createAskReparse } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import { createLetterStocks, createLettersFull } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { createRings } from '@stream-manager/shared/queues/rings';
import { chunkJobOptions, chunkLimits, retiredChunkLimits } from '@stream-manager/shared/queues/source-limits';
import { createTap } from '@stream-manager/shared/queues/tap';
import { createTopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { chosenSources } from './chosen-sources.ts';
import { openDeadLetterQueue } from './dead-letters/run-letters.ts';
import { composeFleetActs } from './fleet/compose-fleet-acts.ts';
import { createKafkaSide } from './kafka/kafka-side.ts';
import { createAttention } from './queues/attention.ts';
import { createHeadWatch } from './queues/head-watch.ts';
import { type OpenRecordsOptions, openRecordsQueue } from './queues/open-records-queue.ts';
import { readHeads } from './queues/read-heads.ts';
import { readWork } from './queues/read-work.ts';
import { createSourceQueues } from './queues/source-queues.ts';
import { createSourceNotes } from './source-notes.ts';

/** Time between two rounds of attention, how long an idle queue stays open, and how long a turn lasts, in milliseconds. */
const attentionMs = { intervalMs: 1_000, idleMs: 10_000, turnMs: 10_000 };
/** Left of the grace period for letting connections go, in milliseconds. */
const closingMs = 2_000;

/** Composes the producer worker. Throws `config_invalid` if SOURCES names an unknown source. */
export const composeProducerWorker: Compose = (context): Composition => {
  const { config, retired, redis, redisMemory, logger, metrics, health, env, instance } = context;
  const { keyPrefix } = config.redis;
  const { maxOpenQueues, circuitBreaker, deadLetters } = config.delivery;
  const isOrdered = config.delivery.ordering === 'per-key';
  // What is queued of a source that is gone from the config is still published.
  const sourceIds = chosenSources([...Object.keys(config.sources), ...retired.keys()], env.SOURCES);
  const topics = createTopicResolver(config.routing, { ...Object.fromEntries(retired), ...config.sources });
  const kafka = createKafkaSide(context);
  const { breaker, publisher } = kafka;
  const store = createRedisChunkStore({ redis, keyPrefix });
  const throttle = createRedisThrottleStore({ redis, keyPrefix });
  const queues = createSourceQueues({ redis, logger, metrics }, { keyPrefix, deadLetters });
  const pollQueue = openQueue(pollQueueAddress(keyPrefix), redis, (error) => {
    logger.debug({ error: error.message }, 'queue connection error');
  });
  const askReparse = createAskReparse({ redis, queue: pollQueue }, { keyPrefix });
  const rings = createRings({ redis, logger }, { keyPrefix });
  const notes = createSourceNotes({ health, logger, now: () => performance.now() });
  const heads = createHeadWatch({ readHeads: (ids) => readHeads(redis, keyPrefix, ids), logger, after });
  const stocks = createLetterStocks(redis, keyPrefix);
  const tap = createTap({ redis, logger, now: () => performance.now() }, { keyPrefix });
  const stopped = new AbortController();
  const job = chunkJobOptions(config.delivery);

  const limitsOf = (sourceId: string): ChunkLimits =>
    retired.has(sourceId) ? retiredChunkLimits(config.queue) : chunkLimits(resolveSource(config, sourceId));

  /** Nobody samples the lag of a source that is gone from the config. */
  const ratesOf = (sourceId: string): OpenRecordsOptions['rates'] => {
    if (retired.has(sourceId)) return null;
    const { enabled, maxSendRate, minSendRate } = resolveSource(config, sourceId).throttling;
    return { maxRate: maxSendRate, minRate: enabled ? minSendRate : null };
  };

  const attention = createAttention(
    {
      readWork: (ids) => readWork(redis, keyPrefix, ids, Date.now()),
      open: (kind, sourceId) => {
        const common = { sourceId, keyPrefix, workerName: instance.id };
        if (kind === 'dead-letter')
          return openDeadLetterQueue(
            {
              redis,
              store,
              memory: redisMemory,
              reparse: askReparse,
              recordsQueue: (id) => queues.records(id),
              ring: rings.ring,
              logger,
              after,
            },
            { ...common, limits: limitsOf(sourceId), job, isRetired: retired.has(sourceId) },
          );
        return openRecordsQueue(
          {
            redis,
            store,
            queue: queues.records(sourceId),
            publisher,
            gate: breaker,
            throttle,
            heads,
            topics,
            addLetters: (id, letters) => queues.addLetters(id, letters),
            notes,
            tap,
            metrics,
            logger,
            after,
            random: Math.random,
            now: Date.now,
            stopped: stopped.signal,
            // An abort only ends the pause early; whoever paused looks at the signal.
            pause: (ms) => sleep(ms, undefined, { signal: stopped.signal }).catch(() => {}),
          },
          {
            ...common,
            batchSize: config.kafka.batchSize,
            batchTimeoutMs: config.kafka.batchTimeoutMs,
            ...config.delivery,
            outagesCount: !circuitBreaker.enabled,
            isOrdered,
            rates: ratesOf(sourceId),
          },
        );
      },
      listen: (onRing) =>
        rings.listen((sourceId) => {
          heads.ring(sourceId);
          onRing(sourceId);
        }),
      logger,
      now: () => performance.now(),
    },
    { ...attentionMs, sourceIds, maxOpen: maxOpenQueues },
  );

  const fleetActs = composeFleetActs(context, {
    store,
    queues,
    stocks,
    topics,
    admin: kafka.admin,
    ring: rings.ring,
    lettersFull: createLettersFull(stocks, deadLetters),
  });

  /** Waits for what is in hand, but not beyond the grace period. */
  const finishInHand = async (): Promise<void> => {
    const finished = Promise.allSettled([attention, ...fleetActs].map((part) => part.stop())).then((ends) => {
      // One that could not be stopped must not keep the others from ending, or the connections from being closed.
      for (const end of ends)
        if (end.status === 'rejected') logger.warn({ error: messageOf(end.reason) }, 'stopping failed');
      return true;
    });
    const graceMs = Math.max(0, config.shutdown.graceMs - closingMs);
    const isLate = sleep(graceMs, false, { ref: false });
    if (await Promise.race([finished, isLate])) return;
    logger.warn('chunks are still in hand at the end of the grace period; another worker takes them up');
    stopped.abort();
  };
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await finishInHand();
    await notes.stop();
    await kafka.close();
    await Promise.all([queues.close(), pollQueue.close()]);
  };

  return {
    start: async (signal) => {
      await notes.start(signal);
      await breaker.start(signal);
      for (const act of fleetActs) await act.start(signal);
      await attention.start(signal);
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
};
