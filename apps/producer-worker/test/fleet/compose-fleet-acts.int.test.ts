// The acts of the fleet in whole producer workers, on real Redis and Kafka.
import { randomUUID } from 'node:crypto';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecords, openProducer, sourceId } from '../producer-bundle.ts';

const patience = { timeoutMs: 60_000 };

const setup = async (delivery: Readonly<Record<string, unknown>> = {}) => {
  const source = (topic: string) => ({
    type: 'nasa-firms',
    topic,
    params: { mapKey: 'none', bbox: [-124, 32, -114, 42] },
  });
  const bundle = await openProducer({
    config: {
      throttling: { sampleIntervalMs: 200 },
      delivery,
      sources: { [sourceId]: source(`acts-${randomUUID()}`), other: source(`acts-${randomUUID()}`) },
    },
  });
  const store = createRedisThrottleStore({ redis: bundle.redis, keyPrefix: bundle.config.redis.keyPrefix });
  const samples = async () => {
    const states = await store.load([sourceId, 'other']);
    return [...states.values()].map(({ number }) => number);
  };
  const reached = (count: number) =>
    waitUntil(`${count} samples`, async () => (await samples()).every((number) => number >= count), patience);
  return { bundle, store, samples, reached };
};

describe('the acts of the fleet', () => {
  it('concern every source of the config, whatever the sources of their holder', async () => {
    const { bundle, store, reached } = await setup();
    await using producer = bundle;
    const chunkId = await producer.enqueue(numberedRecords(0, 3));
    // As after a kill between admit and add.
    await producer.records.remove(chunkId);
    await producer.startWorker({ SOURCES: 'other' });
    await reached(3);
    expect((await store.read([sourceId])).get(sourceId)?.decision).toMatchObject({ action: 'no_sample', lag: null });
    await waitUntil('the sweep', async () => (await producer.records.getJob(chunkId)) !== undefined, patience);
  });

  it('go on in another worker when their holder stops', async () => {
    const { bundle, samples, reached } = await setup();
    await using producer = bundle;
    const first = await producer.startWorker();
    await reached(2);
    await producer.startWorker();
    await first.stop();
    const [before = 0] = await samples();
    await reached(before + 3);
    expect(before).toBeGreaterThanOrEqual(2);
  });

  it('go on in another worker when the process of their holder is killed', async () => {
    const { bundle, samples, reached } = await setup();
    await using producer = bundle;
    const first = await producer.spawnWorker();
    await reached(2);
    await producer.startWorker();
    first.kill('SIGKILL');
    await waitUntil('its end', () => first.signalCode === 'SIGKILL', patience);
    const [before = 0] = await samples();
    await reached(before + 3);
    expect(before).toBeGreaterThanOrEqual(2);
  });

  it('fill half of the dead letters at most with what a killed poller has left of dropped records', async () => {
    const { bundle } = await setup({ deadLetters: { maxRecords: 10 } });
    await using producer = bundle;
    const limits = { maxRecords: 8, criticalReserve: 0, overflow: 'drop_oldest', keepDropped: true } as const;
    const memory = { dedupeWindowMs: 3_600_000, dedupeMaxIds: 1_000, publishCorrections: true };
    for (const from of [0, 8])
      await producer.store.admit({
        sourceId,
        chunkId: createChunkId(),
        priority: 3,
        records: numberedRecords(from, 8),
        pollId: 'poll-1',
        limits: { ...limits, ...memory },
      });
    const { droppedChunks } = sourceKeys(producer.config.redis.keyPrefix, sourceId);
    const [left] = await producer.redis.zrange(droppedChunks, 0, -1);
    await producer.redis.zincrby(droppedChunks, -60_000, left!);
    await producer.startWorker({ SOURCES: 'other' });
    await waitUntil('its care', async () => (await producer.redis.exists(droppedChunks)) === 0, patience);
    expect(await producer.deadLetters.getJobCountByTypes('waiting', 'failed')).toBe(5);
  });
});
