// The chunk store on Redis: turns calls into scripts. Decisions are in the Lua texts (scripts/*.ts), where they are one
// step with what they decide about; chunk-replies.ts reads the answers.
import type { Redis } from 'ioredis';
import { recordsQueueName } from '../jobs/queue-names.ts';
import { encodePayload } from '../records/payload.ts';
import { priorityClasses } from '../records/priority.ts';
import {
  admitStepOf,
  countOf,
  queueCountsOf,
  settleResultOf,
  sightingsOf,
  sweepPageOf,
  takenChunkOf,
  takenFields,
  withEvicted,
} from './chunk-replies.ts';
import type { AdmitRequest, ChunkStore, EvictedChunk } from './chunk-store.ts';
import { joinHashes, joinIds, maxIdsPerCall, partsOf } from './joined-ids.ts';
import { type SourceKeys, sourceKeys } from './keys.ts';
import type { ScriptReply } from './script-runner.ts';
import { listOf, numberOf, runScript, textOf } from './script-runner.ts';
import { admitScript } from './scripts/admit.ts';
import { noteTriesScript, refusedForScript } from './scripts/chunk-tries.ts';
import { lookupScript } from './scripts/lookup.ts';
import { lostJobsScript } from './scripts/lost-jobs.ts';
import { rememberScript } from './scripts/remember.ts';
import { settleScript } from './scripts/settle.ts';
import { sweepScript } from './scripts/sweep.ts';

/** Most entries that one page of a sweep looks at. */
export const maxSweepPage = 500;

export interface RedisChunkStoreDeps {
  /** Client without a `keyPrefix` of its own; the store neither opens nor closes it. */
  readonly redis: Redis;
  /** `redis.keyPrefix` of the config. */
  readonly keyPrefix: string;
}

/**
 * Creates the store. Calls reject with what ioredis or Redis gives (with `OOM …` at `maxmemory`: nothing was changed),
 * and with a RangeError if a call breaks the contract: no records, more than 2,000 of them in a chunk, ids that are not
 * 16 bytes, hashes that are not 8, a key longer than 65,535 bytes.
 */
export const createRedisChunkStore = ({ redis, keyPrefix }: RedisChunkStoreDeps): ChunkStore => {
  const keysOf = (sourceId: string) => {
    const keys = sourceKeys(keyPrefix, sourceId);
    const jobs = `${keys.prefix}:${recordsQueueName(sourceId)}:`;
    return { ...keys, jobs, generations: [keys.seen, keys.seen0, keys.seen1] };
  };

  return {
    lookup: async (sourceId, records, limits) => {
      const { generations } = keysOf(sourceId);
      const sightings = await Promise.all(
        partsOf(records).map(async (part) => {
          const reply = await runScript(redis, lookupScript, generations, [
            limits.dedupeWindowMs,
            limits.dedupeMaxIds,
            limits.publishCorrections ? 0 : 1,
            joinIds(part),
            joinHashes(part),
          ]);
          return sightingsOf(reply, part.length);
        }),
      );
      return sightings.flat();
    },

    remember: async (sourceId, records) => {
      const { generations } = keysOf(sourceId);
      await Promise.all(
        partsOf(records).map((part) =>
          runScript(redis, rememberScript, generations, [joinIds(part), joinHashes(part)]),
        ),
      );
    },

    admit: async (request) => {
      const keys = keysOf(request.sourceId);
      const { index, count, dropped, generations, droppedChunks } = keys;
      const places = [keys.chunk(request.chunkId), index, count, dropped, ...generations, droppedChunks];
      const parameters = admitArguments(request, keys);
      const evicted: EvictedChunk[] = [];
      // Each call goes on behind the entries that the one before has looked at, so it ends.
      for (let from = ''; ; ) {
        const step = admitStepOf(await runScript(redis, admitScript, places, [...parameters, from]));
        if (step.status !== 'making_room') return withEvicted(step, evicted);
        evicted.push(...step.evicted);
        from = step.places.join();
      }
    },

    take: async (sourceId, chunkId) =>
      takenChunkOf(chunkId, await redis.hmgetBuffer(keysOf(sourceId).chunk(chunkId), ...takenFields)),

    settle: async (sourceId, chunkId, done, published) => {
      const keys = keysOf(sourceId);
      return settleResultOf(
        await runScript(
          redis,
          settleScript,
          [keys.chunk(chunkId), keys.index, keys.count, keys.totals],
          [chunkId, done === null ? 'all' : 'some', done ?? '', published],
        ),
      );
    },

    noteTries: async (sourceId, chunkId, tries) => {
      await runScript(redis, noteTriesScript, [keysOf(sourceId).chunk(chunkId)], [JSON.stringify(tries)]);
    },

    refusedFor: async (sourceId, chunkId, forgetAfterMs) =>
      numberOf(await runScript(redis, refusedForScript, [keysOf(sourceId).chunk(chunkId)], [forgetAfterMs])),

    forgetRefusal: async (sourceId, chunkId) => {
      await redis.hdel(keysOf(sourceId).chunk(chunkId), 'refused');
    },

    sweep: async (sourceId, fromScore, limit) => {
      const keys = keysOf(sourceId);
      const lists = ['prioritized', 'wait', 'delayed', 'failed'].map((list) => keys.jobs + list);
      const page = Math.min(Math.max(1, limit), maxSweepPage);
      return sweepPageOf(
        await runScript(redis, sweepScript, [keys.index, ...lists], [keys.chunkPrefix, keys.jobs, fromScore, page]),
      );
    },

    lostJobs: async (sourceId) => {
      const keys = keysOf(sourceId);
      const lists = ['prioritized', 'delayed', 'failed', 'wait', 'active'].map((list) => keys.jobs + list);
      const lost: string[] = [];
      for (let from = 0; from >= 0; ) {
        const page = await runScript(redis, lostJobsScript, [keys.index, ...lists], [keys.jobs, from, maxSweepPage]);
        const [ids, next] = listOf(page);
        lost.push(...listOf(ids).map(textOf));
        from = numberOf(next);
      }
      return lost;
    },

    counts: async (sourceIds) => {
      const pipeline = redis.pipeline();
      for (const sourceId of sourceIds)
        pipeline.hmgetBuffer(keysOf(sourceId).count, 'total', ...priorityClasses.map(String));
      const replies = await valuesOf(pipeline.exec());
      return new Map(sourceIds.map((sourceId, index) => [sourceId, queueCountsOf(replies[index] ?? [])]));
    },

    totals: async (sourceIds) => {
      const pipeline = redis.pipeline();
      for (const sourceId of sourceIds) {
        const keys = keysOf(sourceId);
        pipeline.hgetBuffer(keys.totals, 'published').hvalsBuffer(keys.dropped).hgetBuffer(keys.seen, 'early');
      }
      const replies = await valuesOf(pipeline.exec());
      return new Map(
        sourceIds.map((sourceId, index) => {
          const [published, dropped, early] = replies.slice(index * 3, index * 3 + 3);
          const sum = listOf(dropped)
            .map(countOf)
            .reduce((total, records) => total + records, 0);
          return [sourceId, { published: countOf(published), dropped: sum, earlyRotations: countOf(early) }];
        }),
      );
    },
  };
};

const admitArguments = (
  request: AdmitRequest,
  keys: Pick<SourceKeys, 'chunkPrefix' | 'droppedChunkPrefix'> & { readonly jobs: string },
) => {
  const { limits, records } = request;
  if (records.length === 0 || records.length > maxIdsPerCall)
    throw new RangeError(`a chunk has 1 to ${maxIdsPerCall} records, not ${records.length}`);
  return [
    request.chunkId,
    request.priority,
    limits.overflow,
    limits.maxRecords,
    limits.criticalReserve,
    limits.dedupeWindowMs,
    limits.dedupeMaxIds,
    limits.publishCorrections ? 0 : 1,
    request.keep === true ? 1 : 0,
    JSON.stringify({ pollId: request.pollId }),
    keys.chunkPrefix,
    keys.jobs,
    joinIds(records),
    joinHashes(records),
    encodePayload(records),
    limits.keepDropped === true ? 1 : 0,
    keys.droppedChunkPrefix,
  ];
};

/** The values of a pipeline; rejects with the first error of its commands. */
const valuesOf = async (results: Promise<[Error | null, unknown][] | null>): Promise<readonly ScriptReply[]> =>
  ((await results) ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    // ioredis types a pipeline's values as unknown; the Buffer forms of its commands give these.
    return value as ScriptReply;
  });
