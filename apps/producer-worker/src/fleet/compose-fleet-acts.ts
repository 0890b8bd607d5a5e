// What one process of the fleet does for all sources: the sweep, the care of the dead letters, the lag sample. Part of the
// composition root, in a file of its own so that either can be read in one go.
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import { createCommitWatch } from '@stream-manager/shared/lag/abandoned-groups';
import { createLagReader } from '@stream-manager/shared/lag/sample-lag';
import { after } from '@stream-manager/shared/ops/after';
import type { ProcessContext } from '@stream-manager/shared/ops/process-context';
import type { Service } from '@stream-manager/shared/ops/service';
import { raiseChunks, readAgedChunks } from '@stream-manager/shared/queues/chunk-ageing';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import { createCommitMemory } from '@stream-manager/shared/queues/commit-memory';
import { createFailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';
import { createLettersFull, type LetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createDroppedChunks } from '@stream-manager/shared/queues/dropped-chunks';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { chunkJobOptions } from '@stream-manager/shared/queues/source-limits';
import type { TopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { ageingIntervalMs, ageingSources, createAgeing } from '../ageing/raise-aged-chunks.ts';
import { buryFailedChunk } from '../dead-letters/bury-failed-chunk.ts';
import { createCareForLetters } from '../dead-letters/care-for-letters.ts';
import { createLetterExpiry } from '../dead-letters/expire-letters.ts';
import { createKeepDropped } from '../dead-letters/keep-dropped.ts';
import { measureLetters } from '../dead-letters/measure-letters.ts';
import { keepOneAtATime } from '../queues/one-at-a-time.ts';
import type { SourceQueues } from '../queues/source-queues.ts';
import { createFleetAct, leaseIntervals } from './fleet-act.ts';
import { createLagSampler } from './lag-sampler.ts';
import { createLease } from './lease.ts';
import { createSampleNotes } from './sample-notes.ts';
import { createSweep, sweepIntervalMs } from './sweep.ts';

/** What the acts share with the rest of the process. */
export interface FleetActDeps {
  readonly store: ChunkStore;
  readonly queues: SourceQueues;
  readonly stocks: LetterStocks;
  readonly topics: TopicResolver;
  readonly admin: KafkaAdminPort;
  /** Tells the fleet that a source has work. */
  readonly ring: (sourceId: string) => void;
  /** Why a source may get no more letters now; null: it may. */
  readonly lettersFull: (sourceId: string) => Promise<string | null>;
}

/** Makes the acts; each runs where this process holds its lease. */
export const composeFleetActs = (
  context: Pick<ProcessContext, 'config' | 'retired' | 'redis' | 'logger' | 'metrics' | 'instance'>,
  deps: FleetActDeps,
): readonly Service[] => {
  const { config, retired, redis, logger, metrics, instance } = context;
  const { store, queues, stocks, topics, lettersFull } = deps;
  const { keyPrefix } = config.redis;
  const configSources = Object.keys(config.sources);
  const allSources = [...configSources, ...retired.keys()];
  const job = chunkJobOptions(config.delivery);
  const isOrdered = config.delivery.ordering === 'per-key';
  const keys = fleetKeys(keyPrefix);
  const actOf = (
    lease: 'sweep' | 'letters' | 'lag' | 'ageing',
    name: string,
    intervalMs: number,
    act: (signal: AbortSignal) => Promise<void>,
  ): Service =>
    createFleetAct(
      {
        lease: createLease(redis, {
          key: keys.lease(lease),
          holder: instance.id,
          ttlMs: Math.ceil(leaseIntervals * intervalMs),
        }),
        act,
        logger,
        after,
        now: () => performance.now(),
      },
      { name, intervalMs },
    );

  const topicOf = (sourceId: string): string | null =>
    topics.needsContent(sourceId) ? null : topics.resolve(sourceId).topic;
  const sweep = createSweep(
    {
      sweepSource: async (sourceId, healLostJobs, signal) => {
        const queue = queues.records(sourceId);
        // Obliterate takes the setting away.
        await keepOneAtATime(queue, isOrdered);
        return sweepSource({ store, queue }, { sourceId, job, healLostJobs, signal });
      },
      bury: (sourceId, chunkId) => buryFailedChunk({ store, queues, topicOf, lettersFull }, sourceId, chunkId),
      ring: deps.ring,
      logger,
      now: () => performance.now(),
    },
    allSources,
  );
  const expireLetters = createLetterExpiry(
    { letters: createFailedLetters(redis, keyPrefix), metrics, logger },
    { keepDays: config.delivery.deadLetters.keepDays },
  );
  const keepDropped = createKeepDropped({
    dropped: createDroppedChunks(redis, keyPrefix),
    lettersFull: createLettersFull(stocks, config.delivery.deadLetters, 'half'),
    addLetters: (sourceId, letters) => queues.addLetters(sourceId, letters, 'half'),
    logger,
  });
  const careForLetters = createCareForLetters([
    expireLetters,
    (sourceIds, signal) => measureLetters({ stocks, now: Date.now }, sourceIds, signal),
    keepDropped,
  ]);
  const { sampleIntervalMs } = config.throttling;
  const watch = createCommitWatch();
  const notes = createSampleNotes({ logger });
  const sampleLag = createLagSampler(
    {
      reader: createLagReader({ admin: deps.admin, watch, noteUnasked: notes.unasked, now: Date.now }),
      store: createRedisThrottleStore({ redis, keyPrefix }),
      watch,
      memory: createCommitMemory({ redis, keyPrefix }),
      notes,
    },
    {
      intervalMs: sampleIntervalMs,
      sources: configSources.map((id) => {
        const { throttling } = resolveSource(config, id);
        // All sources are sampled at once, so one interval holds for all.
        const settings = { ...throttling, sampleIntervalMs };
        return { id, topics: topics.topicsOf(id), groups: throttling.consumerGroups, settings };
      }),
    },
  );
  const ageing = ageingSources(config, [...retired.keys()]);
  const raiseAged = createAgeing(
    {
      readPage: ({ id, ageingMs }, fromScore, limit) =>
        readAgedChunks(redis, { keyPrefix, sourceId: id, ageingMs }, fromScore, limit),
      raise: (sourceId, aged) => raiseChunks(queues.records(sourceId), aged),
      logger,
    },
    ageing,
  );
  return [
    actOf('ageing', 'ageing of waiting chunks', ageingIntervalMs(ageing), raiseAged),
    actOf('sweep', 'sweep', sweepIntervalMs, sweep),
    actOf('letters', 'care of the dead letters', sweepIntervalMs, (signal) => careForLetters(allSources, signal)),
    actOf('lag', 'lag sample', sampleIntervalMs, sampleLag),
  ];
};
