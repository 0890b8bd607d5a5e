// A Retry in Bull Board, and a kill, at every step of a burial: a record is published or becomes a letter, never both.
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { describe, expect, it } from 'vitest';
import { type BuryDeps, buryFailedChunk } from '../../src/dead-letters/bury-failed-chunk.ts';
import { createSourceQueues } from '../../src/queues/source-queues.ts';
import { silent } from '../chunks.ts';
import { numberedRecords, openProducer, sourceId } from '../producer-bundle.ts';

/** A chunk of two records whose job BullMQ has failed, and the parts of a burial. */
const openFailed = async () => {
  const producer = await openProducer();
  const { redis, store } = producer;
  const { keyPrefix } = producer.config.redis;
  const { deadLetters } = producer.config.delivery;
  const queues = createSourceQueues({ redis, logger: silent, metrics: createMetrics() }, { keyPrefix, deadLetters });
  const chunkId = await producer.enqueue(numberedRecords(0, 2));
  const prefix = `${keyPrefix}:{${sourceId}}:records.${sourceId}`;
  await redis.zrem(`${prefix}:prioritized`, chunkId);
  await redis.zadd(`${prefix}:failed`, 1_000, chunkId);
  await redis.hset(
    `${prefix}:${chunkId}`,
    'failedReason',
    'job stalled more than allowable limit',
    'finishedOn',
    1_000,
  );
  const deps: BuryDeps = { store, queues, lettersFull: async () => null, topicOf: () => 'fires' };
  const job = await producer.records.getJob(chunkId);
  if (job === undefined) throw new Error('the job of an enqueued chunk is there');
  return {
    producer,
    deps,
    chunkId,
    bury: (changed: BuryDeps = deps) => buryFailedChunk(changed, sourceId, chunkId),
    /** As Bull Board does it, with a job that was read while it was failed. */
    retry: () => job.retry('failed'),
    sweep: () =>
      sweepSource(
        { store, queue: queues.records(sourceId) },
        { sourceId, job: { attempts: 3, backoff: { type: 'delivery' } }, healLostJobs: true },
      ),
    left: async () => ({
      records: (await store.counts([sourceId])).get(sourceId)?.total ?? 0,
      jobs: await producer.records.getJobCountByTypes('prioritized', 'wait', 'failed', 'delayed', 'active'),
      letters: await producer.deadLetters.getJobCountByTypes('wait', 'prioritized', 'failed'),
      chunk: await redis.exists(`${keyPrefix}:{${sourceId}}:chunk:${chunkId}`),
    }),
    [Symbol.asyncDispose]: async () => {
      await queues.close();
      await producer[Symbol.asyncDispose]();
    },
  };
};

const buried = { records: 0, jobs: 0, letters: 2, chunk: 0 };
const nothingSwept = { added: 0, removed: 0, healed: 0, failed: [] };
const killed = async (): Promise<never> => {
  throw new Error('killed');
};

describe('a burial', () => {
  it('leaves letters and nothing else, and once more is nothing', async () => {
    await using failed = await openFailed();
    expect(await failed.bury()).toEqual({ kind: 'buried', letters: 2 });
    expect(await failed.left()).toEqual(buried);
    expect(await failed.sweep()).toEqual(nothingSwept);
    expect(await failed.bury()).toEqual({ kind: 'gone' });
    const [letter] = await failed.producer.deadLetters.getJobs(['wait', 'prioritized']);
    expect(letter?.data).toMatchObject({
      reason: 'job stalled more than allowable limit',
      lastFailedAt: '1970-01-01T00:00:01.000Z',
    });
  });

  it('gives way to a Retry that came before its claim', async () => {
    await using failed = await openFailed();
    await failed.retry();
    expect(await failed.bury()).toEqual({ kind: 'gone' });
    expect(await failed.left()).toEqual({ records: 2, jobs: 1, letters: 0, chunk: 1 });
    expect(await failed.sweep()).toEqual(nothingSwept);
  });

  it('cannot be overtaken by a Retry after its claim, nor by a sweep in between', async () => {
    await using failed = await openFailed();
    const { deps, chunkId } = failed;
    const seen: unknown[] = [];
    const addLetters: BuryDeps['queues']['addLetters'] = async (id, letters) => {
      seen.push(await failed.retry().catch((error: Error) => error.message), await failed.sweep());
      const added = await deps.queues.addLetters(id, letters);
      seen.push(await failed.retry().catch((error: Error) => error.message), await failed.sweep());
      return added;
    };
    expect(await failed.bury({ ...deps, queues: { ...deps.queues, addLetters } })).toEqual({
      kind: 'buried',
      letters: 2,
    });
    const refused = expect.stringContaining('Missing key for job');
    const swept = { ...nothingSwept, failed: [chunkId] };
    expect(seen).toEqual([refused, swept, refused, swept]);
    expect(await failed.left()).toEqual(buried);
  });

  it.each<{ name: string; dying: (deps: BuryDeps) => BuryDeps; letters: number }>([
    {
      name: 'its claim',
      dying: (deps) => ({ ...deps, queues: { ...deps.queues, addLetters: killed } }),
      letters: 0,
    },
    { name: 'its letters', dying: (deps) => ({ ...deps, store: { ...deps.store, settle: killed } }), letters: 2 },
  ])('that was killed after $name is finished by the next sweep', async ({ dying, letters }) => {
    await using failed = await openFailed();
    await expect(failed.bury(dying(failed.deps))).rejects.toThrow('killed');
    expect(await failed.left()).toEqual({ records: 2, jobs: 0, letters, chunk: 1 });
    await expect(failed.retry()).rejects.toThrow('Missing key for job');
    expect(await failed.sweep()).toEqual({ ...nothingSwept, failed: [failed.chunkId] });
    expect(await failed.bury()).toEqual({ kind: 'buried', letters: 2 });
    expect(await failed.left()).toEqual(buried);
  });

  it('that gives a chunk back leaves it to the next sweep, which adds its job again', async () => {
    await using failed = await openFailed();
    await failed.deps.queues.failed.claim(sourceId, failed.chunkId);
    await failed.deps.queues.failed.release(sourceId, failed.chunkId);
    expect(await failed.sweep()).toEqual({ ...nothingSwept, added: 1 });
    expect(await failed.left()).toEqual({ records: 2, jobs: 1, letters: 0, chunk: 1 });
  });
});
