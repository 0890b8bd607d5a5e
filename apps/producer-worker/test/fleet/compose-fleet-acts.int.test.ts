// The acts of the fleet in whole producer workers, on real Redis and Kafka.
import { randomUUID } from 'node:crypto';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { numberedRecords, openProducer, sourceId } from '../producer-bundle.ts';

const patience = { timeoutMs: 60_000 };

const setup = async () => {
  const source = (topic: string) => ({
    type: 'nasa-firms',
    topic,
    params: { mapKey: 'none', bbox: [-124, 32, -114, 42] },
  });
  const bundle = await openProducer({
    config: {
      throttling: { sampleIntervalMs: 200 },
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
});
