// What a killed poller has left of the records that a full queue dropped: found after a while, made into letters, and replayed
// like any other letter.
import { randomBytes } from 'node:crypto';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { deadLetterQueueAddress } from '@stream-manager/shared/queues/bullmq';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { createDroppedChunks, type DroppedChunks } from '@stream-manager/shared/queues/dropped-chunks';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { decodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { createKeepDropped } from '../../src/dead-letters/keep-dropped.ts';
import { runLetter } from '../../src/dead-letters/run-letters.ts';
import { createSourceQueues } from '../../src/queues/source-queues.ts';

const limits = {
  maxRecords: 10,
  criticalReserve: 0,
  overflow: 'drop_oldest',
  keepDropped: true,
  dedupeWindowMs: 3_600_000,
  dedupeMaxIds: 1_000_000,
  publishCorrections: true,
} as const;
const never = new AbortController().signal;

const recordOf = (serial: number) => {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(serial);
  const envelope = {
    id: id.toString('base64url'),
    sourceId: 'a',
    observedAt: '2026-01-04T00:00:00.000Z',
    priority: 'low',
  };
  return {
    id,
    hash: Buffer.alloc(8, serial),
    eventTimeMs: Date.parse(envelope.observedAt),
    key: `key-${serial}`,
    value: Buffer.from(JSON.stringify(envelope)),
  };
};

/** A store whose polls are killed after each admit, and the act that looks after what they leave. */
const setup = (leftAfterMs: number) => {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const store = createRedisChunkStore({ redis, keyPrefix });
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const metrics = createMetrics();
  const queues = createSourceQueues(
    { redis, logger, metrics },
    { keyPrefix, deadLetters: { maxRecords: 1_000, maxBytes: 1e9 } },
  );
  const { name, prefix } = deadLetterQueueAddress(keyPrefix, 'a');
  const letters = new Queue(name, { connection: redis, prefix });
  const deps = {
    dropped: createDroppedChunks(redis, keyPrefix),
    lettersFull: async () => null,
    addLetters: (sourceId: string, added: readonly DeadLetter[]) => queues.addLetters(sourceId, added),
    logger,
  };
  let serial = 0;
  return {
    redis,
    store,
    queues,
    letters,
    deps,
    keys: sourceKeys(keyPrefix, 'a'),
    round: createKeepDropped(deps, { leftAfterMs }),
    /** Admits ten records, so that the ten before are dropped. */
    fill: (chunkId: string) => {
      const records = Array.from({ length: 10 }, () => recordOf(++serial));
      return store.admit({ sourceId: 'a', chunkId, priority: 4, limits, records, pollId: 'p' });
    },
    [Symbol.asyncDispose]: async () => {
      await letters.close();
      await queues.close();
      const left = await redis.keys(`${keyPrefix}:*`);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    },
  };
};

describe('what a killed poller has left of dropped records', () => {
  it('becomes letters after a while, not before', async () => {
    await using part = setup(10_000);
    await part.fill('first');
    await part.fill('second');
    await part.round(['a', 'b'], never);
    expect(await part.letters.getWaitingCount()).toBe(0);
    await part.redis.zincrby(part.keys.droppedChunks, -10_000, 'first');
    await part.round(['a', 'b'], never);
    expect(await part.letters.getWaitingCount()).toBe(10);
    expect(await part.redis.exists(part.keys.droppedChunks, part.keys.droppedChunk('first'))).toBe(0);
  });

  it('of one source does not wait for the trouble of another', async () => {
    await using part = setup(0);
    await part.fill('first');
    await part.fill('second');
    const { dropped: whole } = part.deps;
    const dropped: DroppedChunks = {
      ...whole,
      list: (sourceId, forMs, limit) =>
        sourceId === 'broken' ? Promise.reject(new Error('no')) : whole.list(sourceId, forMs, limit),
    };
    const round = createKeepDropped({ ...part.deps, dropped }, { leftAfterMs: 0 });
    await expect(round(['broken', 'a'], never)).rejects.toThrow('source broken: no');
    expect(await part.letters.getWaitingCount()).toBe(10);
  });
});

it('a letter of a dropped record is replayed once, as a chunk that is never dropped', async () => {
  await using part = setup(0);
  await part.fill('first');
  await part.fill('second');
  await part.round(['a'], never);
  await part.store.settle('a', 'second', null, 10);
  const [letter] = await part.letters.getJobs(['waiting']);
  const run = (attemptsMade: number) =>
    runLetter(
      {
        store: part.store,
        memory: { high: async () => null },
        reparse: () => Promise.reject(new Error('this letter has a record')),
        recordsQueue: (sourceId) => part.queues.records(sourceId),
        ring: () => {},
      },
      { sourceId: 'a', limits, job: { attempts: 3, backoff: { type: 'fixed' } }, isRetired: false },
      {
        jobId: String(letter?.id),
        addedAt: Number(letter?.timestamp),
        attemptsMade,
        runs: attemptsMade + 1,
        data: letter?.data,
      },
    );
  expect(await run(0)).toEqual({
    kind: 'fail',
    reason: 'dropped for newer or more urgent records: the queue was full (queue.overflow: drop_oldest)',
  });
  expect(await run(1)).toEqual({ kind: 'replayed' });
  expect(await run(1)).toEqual({ kind: 'replayed' });
  const chunks = await part.redis.zrange(part.keys.index, 0, -1);
  expect(chunks).toHaveLength(1);
  const taken = await part.store.take('a', chunks[0] ?? '');
  const decoded = decodePayload(taken?.payload ?? Buffer.alloc(0));
  if (isPayloadFault(decoded)) throw new Error(decoded.kind);
  expect(decoded.map(({ key, value }) => [key.toString(), JSON.parse(value.toString())])).toEqual([
    [letter?.data.key, letter?.data.record],
  ]);
  expect(taken).toMatchObject({ priority: 4, pollId: 'replay:1:f:p' });
  // The queue fills again: the replay stays.
  await part.fill('third');
  expect(await part.redis.zrange(part.keys.index, 0, -1)).toContain(chunks[0]);
});
