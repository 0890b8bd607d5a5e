import { createMetrics } from '@stream-manager/shared/observability/metrics';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { closedTap } from '@stream-manager/shared/queues/tap';
import { describe, expect, it } from 'vitest';
import { createCollector } from '../../src/delivery/collect.ts';
import { type ChunkEnding, createDelivery, type Piece } from '../../src/delivery/deliver-chunk.ts';
import { createPublisher } from '../../src/delivery/publish.ts';
import { createSendBatch } from '../../src/delivery/send-batch.ts';
import type { BatchEnd } from '../../src/kafka/breaker.ts';
import { fakeProducer, fakeStore, kafkaError, noon, silent, takenChunk } from '../chunks.ts';

const setup = (
  taken: ReturnType<typeof takenChunk> | null,
  options: {
    errorOf?: Parameters<typeof fakeProducer>[0];
    batchSize?: number;
    lost?: readonly string[];
    take?: () => Promise<never>;
    attemptsOf?: 'job' | 'chunk';
  } = {},
) => {
  const store = { ...fakeStore(taken), ...(options.take === undefined ? {} : { take: options.take }) };
  const producer = fakeProducer(options.errorOf);
  const metrics = createMetrics();
  const notes: string[] = [];
  const letters: DeadLetter[] = [];
  const stopped = new AbortController();
  const publisher = createPublisher({
    producer,
    metrics,
    now: () => noon,
  });
  const ends: BatchEnd[] = [];
  const gate = { isShut: false };
  const batchSize = options.batchSize ?? 500;
  const collector = createCollector<Piece>(
    {
      enter: async () => ({ end: (end) => void ends.push(end) }),
      leave: () => (gate.isShut ? 'none' : 'any'),
      onRefused: () => {},
      send: createSendBatch(
        { publisher, extendLocks: async () => options.lost ?? [], now: () => 100_000 },
        { sourceId: 'firms', lockDurationMs: 10_000 },
      ),
      now: () => 0,
      after: () => () => {},
    },
    { batchRecords: () => batchSize, batchTimeoutMs: 5_000, maxInFlight: 4 },
  );
  const deliver = createDelivery(
    {
      store,
      topics: { needsContent: () => false, resolve: () => ({ topic: 'fires', rule: 'source' }) },
      collector,
      isShut: () => gate.isShut,
      notes: { raise: (_sourceId, kind, note) => void notes.push(`${kind}: ${note}`) },
      tap: closedTap,
      metrics,
      logger: silent,
      addLetters: async (_sourceId, added) => {
        letters.push(...added);
        return { lie: added.map(() => true), full: null };
      },
      now: () => noon,
      pause: async () => {},
      stopped: stopped.signal,
    },
    {
      sourceId: 'firms',
      pieceRecords: () => batchSize,
      maxAttempts: 3,
      attemptsOf: options.attemptsOf ?? 'job',
      destinationGraceMs: 300_000,
      outagesCount: false,
    },
  );
  const run = (lockedAt = 100_000): Promise<ChunkEnding> =>
    deliver({ chunkId: 'chunk-1', token: 't', rank: 3, lockedAt, attempts: { made: 0, max: 3 } });
  return { run, store, producer, collector, gate, ends, notes, letters, metrics, stopped };
};

describe('createDelivery', () => {
  it('publishes a chunk, settles it, and lets the job complete', async () => {
    const { run, store, producer } = setup(takenChunk(3));
    expect(await run()).toEqual({ kind: 'complete' });
    expect(producer.published.map((batch) => batch.length)).toEqual([3]);
    expect(store.acts).toEqual(['settle all (3)']);
  });

  it('completes a chunk that is settled already without a send', async () => {
    const { run, producer } = setup(null);
    expect(await run()).toEqual({ kind: 'complete' });
    expect(producer.published).toEqual([]);
  });

  it('sends a chunk that is larger than a batch in parts, and settles what is acknowledged as it comes', async () => {
    const { run, store, producer } = setup(takenChunk(5), { batchSize: 2 });
    expect(await run()).toEqual({ kind: 'complete' });
    expect(producer.published.map((batch) => batch.map(({ key }) => key.toString()).join())).toEqual([
      'key-0,key-1',
      'key-2,key-3',
      'key-4',
    ]);
    expect(store.acts.at(-1)).toBe('settle all (5)');
    expect(store.acts.slice(0, -1)).toEqual(['settle 0,1 (2)', 'settle 2,3 (2)']);
  });

  it('finds a failure by its place in the chunk, whichever part it was in', async () => {
    const { run, store, letters } = setup(takenChunk(5), {
      batchSize: 2,
      errorOf: ({ key }) => (key.toString() === 'key-3' ? kafkaError('MESSAGE_TOO_LARGE') : null),
    });
    expect(await run()).toEqual({ kind: 'complete' });
    expect(letters.map(({ data }) => Reflect.get(data, 'key'))).toEqual(['key-3']);
    expect(store.acts).toEqual(['settle 0,1 (2)', 'settle 2 (1)', 'settle 0,1,2,4 (4)', 'settle all (0)']);
  });

  it.each([
    {
      name: 'an outage',
      type: 'LEADER_NOT_AVAILABLE',
      ending: { kind: 'delay', delayMs: 1_000 },
      acts: [],
      notes: [expect.stringContaining('outage: ')],
    },
    {
      name: 'a missing topic',
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      ending: { kind: 'delay', delayMs: 2_000 },
      acts: [],
      notes: [expect.stringContaining('destination: ')],
    },
    {
      name: 'anything else',
      type: 'SOMETHING_NEW',
      ending: { kind: 'retry', reason: 'it says SOMETHING_NEW' },
      acts: ['tries 1'],
      notes: [],
    },
  ])('leaves the whole chunk after $name', async ({ type, ending, acts, notes }) => {
    const { run, store, ...seen } = setup(takenChunk(2), { errorOf: () => kafkaError(type) });
    expect(await run()).toMatchObject(ending);
    expect(store.acts).toEqual(acts);
    expect(seen.notes).toEqual(notes);
  });

  it('lets a chunk go without a send when its lock is lost', async () => {
    const { run, store, producer } = setup(takenChunk(2), { lost: ['chunk-1'] });
    expect(await run(0)).toEqual({ kind: 'let_go' });
    expect(producer.published).toEqual([]);
    expect(store.acts).toEqual([]);
  });

  it.each([
    { name: 'acknowledged', type: null, end: { kind: 'acknowledged' } },
    { name: 'answered with a refusal', type: 'MESSAGE_TOO_LARGE', end: { kind: 'answered' } },
    {
      name: 'an outage of the cluster',
      type: 'KafkaJSConnectionError',
      end: { kind: 'outage', outage: { scope: 'cluster', sourceId: 'firms' } },
    },
    {
      name: 'an outage of a partition',
      type: 'NOT_ENOUGH_REPLICAS',
      end: { kind: 'outage', outage: { scope: 'partition' } },
    },
  ])('tells the breaker how its batch ended: $name', async ({ type, end }) => {
    const { run, ends } = setup(takenChunk(2), { errorOf: () => (type === null ? null : kafkaError(type)) });
    await run();
    expect(ends).toMatchObject([end]);
  });

  it('gives back what has failed for an outage while the breaker is open', async () => {
    const { run, gate, notes } = setup(takenChunk(2), {
      errorOf: () => {
        gate.isShut = true;
        return kafkaError('KafkaJSConnectionError');
      },
    });
    expect(await run()).toEqual({ kind: 'give_back' });
    expect(notes).toEqual([]);
  });

  it('gives back a chunk that waits for leave', async () => {
    const { run, gate, collector, producer, store } = setup(takenChunk(2));
    gate.isShut = true;
    const ending = run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(producer.published).toEqual([]);
    collector.giveBack();
    expect(await ending).toEqual({ kind: 'give_back' });
    expect(producer.published).toEqual([]);
    expect(store.acts).toEqual([]);
  });

  it('takes the count of attempts from the chunk where it is repeated in place', async () => {
    const tries = { made: 2, attempts: [{ at: '2026-05-01T11:59:00.000Z', error: 'x' }] };
    const { run, letters } = setup(takenChunk(1, { tries }), {
      errorOf: () => kafkaError('SOMETHING_NEW'),
      attemptsOf: 'chunk',
    });
    expect(await run()).toEqual({ kind: 'complete' });
    expect(letters[0]?.data.reason).toBe('it says SOMETHING_NEW (after 3 attempts)');
  });

  it('delays a payload of a later version without an attempt, and names it', async () => {
    const payload = Buffer.from(takenChunk(1).payload);
    payload.writeUInt8(9, 0);
    const { run, notes, producer } = setup(takenChunk(1, { payload }));
    expect(await run()).toMatchObject({ kind: 'delay', delayMs: 5_000 });
    expect(notes).toEqual([expect.stringContaining('newer: a chunk has payload version 9')]);
    expect(producer.published).toEqual([]);
  });

  it('fails a damaged payload', async () => {
    const { run } = setup(takenChunk(1, { payload: Buffer.from([1, 9, 9]) }));
    expect(await run()).toMatchObject({ kind: 'fail' });
  });

  it('waits without an attempt when Redis does not give the chunk', async () => {
    const { run } = setup(null, { take: () => Promise.reject(new Error('LOADING')) });
    expect(await run()).toEqual({ kind: 'delay', delayMs: 1_000, reason: 'LOADING' });
  });

  it('tries to settle what Kafka acknowledged until Redis lets it, and sends nothing again', async () => {
    const { run, store, producer } = setup(takenChunk(2));
    store.state.failNextSettles = 3;
    expect(await run()).toEqual({ kind: 'complete' });
    expect(store.acts).toEqual(['settle all (2)']);
    expect(producer.published).toHaveLength(1);
  });

  it('gives up settling when the process stops: the job is left to others', async () => {
    const { run, store, stopped } = setup(takenChunk(2));
    store.state.failNextSettles = Number.POSITIVE_INFINITY;
    stopped.abort();
    expect(await run()).toEqual({ kind: 'let_go' });
  });

  it('observes waiting and end to end once per chunk', async () => {
    const { run, metrics } = setup(takenChunk(3));
    await run();
    const sums = async (histogram: {
      get(): Promise<{ values: { metricName?: string; value: number; labels: unknown }[] }>;
    }) => (await histogram.get()).values.filter(({ metricName }) => metricName?.endsWith('_sum'));
    expect(await sums(metrics.queueWaitSeconds)).toMatchObject([
      { value: 5, labels: { source: 'firms', priority: 'high' } },
    ]);
    expect(await sums(metrics.endToEndSeconds)).toMatchObject([{ value: 10 }]);
  });
});
