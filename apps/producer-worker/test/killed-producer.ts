// A producer process that does one piece of work on real Redis and Kafka, and kills itself (SIGKILL) right after one of its
// steps. Run by killed-between-steps.int.test.ts: node killed-producer.ts OPTIONS (JSON). It is put together as compose.ts
// does it, with the ports wrapped so that every act is a step, and says each step on its standard output. It opens a
// queue only when the one before it is done, as the round of a second mostly does, so that the steps have one order.
import { writeSync } from 'node:fs';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { Config } from '@stream-manager/shared/config/schema';
import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { after } from '@stream-manager/shared/ops/after';
import { createFacts } from '@stream-manager/shared/ops/facts';
import { createHealth } from '@stream-manager/shared/ops/health';
import { deadLetterQueueAddress, openQueue, openWorker, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import type { AdmitRequest, ChunkStore, SettleResult, Sighting } from '@stream-manager/shared/queues/chunk-store';
import type { DeadLetter } from '@stream-manager/shared/queues/dead-letters';
import { createAskReparse } from '@stream-manager/shared/queues/dead-letters/ask-reparse';
import { createLetterStocks, lettersFull } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { retryLetter } from '@stream-manager/shared/queues/dead-letters/retry-letter';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { createRedis } from '@stream-manager/shared/queues/redis';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { chunkJobOptions, chunkLimits } from '@stream-manager/shared/queues/source-limits';
import { closedTap } from '@stream-manager/shared/queues/tap';
import { createTopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { pino } from 'pino';
import { buryFailedChunk } from '../src/dead-letters/bury-failed-chunk.ts';
import { openDeadLetterQueue } from '../src/dead-letters/run-letters.ts';
import type { PublishedBatch } from '../src/delivery/publish.ts';
import { createSweep } from '../src/fleet/sweep.ts';
import { createKafkaSide } from '../src/kafka/kafka-side.ts';
import { createHeadWatch } from '../src/queues/head-watch.ts';
import { type OpenQueue, openRecordsQueue } from '../src/queues/open-records-queue.ts';
import { readHeads } from '../src/queues/read-heads.ts';
import { createSourceQueues } from '../src/queues/source-queues.ts';
import { createSourceNotes } from '../src/source-notes.ts';
import { createRowParser } from './row-parser.ts';

/** What the process does. The letters are those that lie there as failed when it is done. */
export type KilledWork =
  /** Delivers a waiting chunk; the record `refusedOnce` is kept from Kafka the first time, for an error that uses an attempt. */
  | { readonly kind: 'chunk'; readonly chunkId: string; readonly refusedOnce: string | null }
  /** Retries a letter, whose job was added and never run, and delivers the chunk that comes of it. */
  | { readonly kind: 'replay'; readonly letterId: string }
  /** Retries a letter that holds a row, parses the row in the place of a poller, and delivers what comes of it. */
  | { readonly kind: 'reparse'; readonly letterId: string }
  /** Sweeps once: a chunk whose job BullMQ has failed goes to the dead letters. */
  | { readonly kind: 'burial' };

export interface KilledProducerOptions {
  readonly config: Config;
  readonly sourceId: string;
  readonly work: KilledWork;
  readonly letters: readonly string[];
  /** Number of the last step, from 1; null: it goes on to the end. */
  readonly killAfter: number | null;
}

// Written by the test as exactly this.
const options = JSON.parse(process.argv[2] ?? '') as KilledProducerOptions;
const { config, sourceId, work } = options;
const { keyPrefix } = config.redis;
const waiting = { timeoutMs: 60_000, intervalMs: 5 };

let steps = 0;
const reached = (step: string): void => {
  writeSync(1, `${step}\n`);
  steps += 1;
  // The kernel ends this thread before the call returns.
  if (steps === options.killAfter) process.kill(process.pid, 'SIGKILL');
};
/** An act that is a step. */
const stepOf =
  <A extends readonly unknown[], R>(nameOf: (...args: NoInfer<A>) => string, act: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    const answer = await act(...args);
    reached(nameOf(...args));
    return answer;
  };

const logger = pino({ level: 'silent' });
const metrics = createMetrics();
const health = createHealth();
const redis = createRedis(config.redis.url, { name: `${keyPrefix}-killed`, logger });
const real = createRedisChunkStore({ redis, keyPrefix });
const queues = createSourceQueues({ redis, logger, metrics }, { keyPrefix, deadLetters: config.delivery.deadLetters });
const kafka = createKafkaSide({ config, redis, logger, metrics, health, facts: createFacts() });
const stocks = createLetterStocks(redis, keyPrefix);
const topics = createTopicResolver(config.routing, config.sources);
const job = chunkJobOptions(config.delivery);
const common = { sourceId, keyPrefix, workerName: 'killed' };
const isOrdered = config.delivery.ordering === 'per-key';
const stopped = new AbortController().signal;

const roomForLetters = async (): Promise<string | null> => {
  const stock = (await stocks.read([sourceId])).get(sourceId);
  return stock === undefined ? null : lettersFull(stock, config.delivery.deadLetters);
};
const addLetters = stepOf(
  (_id, letters) => `add letters (${letters.length})`,
  (id: string, letters: readonly DeadLetter[]) => queues.addLetters(id, letters),
);
let chunkId = work.kind === 'chunk' ? work.chunkId : '';
const store: ChunkStore = {
  ...real,
  take: stepOf(
    () => 'take',
    (source: string, id: string) => real.take(source, id),
  ),
  settle: stepOf<Parameters<ChunkStore['settle']>, SettleResult>(
    (_source, _chunk, done, published) =>
      `settle the ${published > 0 ? 'acknowledged' : 'buried'} (${done === null ? 'all' : 'some'})`,
    (...settled) => real.settle(...settled),
  ),
  noteTries: stepOf<Parameters<ChunkStore['noteTries']>, void>(
    () => 'note tries',
    (...tries) => real.noteTries(...tries),
  ),
  lookup: stepOf<Parameters<ChunkStore['lookup']>, readonly Sighting[]>(
    () => 'look up the mark',
    (...marks) => real.lookup(...marks),
  ),
  remember: stepOf<Parameters<ChunkStore['remember']>, void>(
    () => 'leave the mark',
    (...marks) => real.remember(...marks),
  ),
  admit: stepOf(
    () => 'admit',
    (request: AdmitRequest) => {
      ({ chunkId } = request);
      return real.admit(request);
    },
  ),
};

const numberOf = ({ value }: OutgoingRecord): number => JSON.parse(value.toString('utf8')).data.index;
let toRefuse = work.kind === 'chunk' ? work.refusedOnce : null;
const publish = async (records: readonly OutgoingRecord[]): Promise<PublishedBatch> => {
  const refused = records.findIndex(({ recordId }) => recordId === toRefuse);
  if (refused >= 0) toRefuse = null;
  const sent = records.filter((_record, index) => index !== refused);
  const published = await kafka.publisher.publish(sent);
  const failed = new Set(published.failures.flatMap(({ indexes }) => indexes));
  reached(['publish', ...sent.filter((_record, index) => !failed.has(index)).map(numberOf)].join(' '));
  if (refused < 0) return published;
  const failures = published.failures.map((failure) => ({
    ...failure,
    indexes: failure.indexes.map((index) => (index < refused ? index : index + 1)),
  }));
  const again = { outcome: 'other', code: 'SOMETHING_NEW', message: 'not now', indexes: [refused] } as const;
  return { ...published, failures: [...failures, again] };
};

const openRecords = (): OpenQueue =>
  openRecordsQueue(
    {
      redis,
      store: {
        ...store,
        take: (source, id) => {
          reached('run the chunk');
          return store.take(source, id);
        },
      },
      queue: queues.records(sourceId),
      publisher: { publish },
      gate: kafka.breaker,
      throttle: createRedisThrottleStore({ redis, keyPrefix }),
      heads: createHeadWatch({ readHeads: (ids) => readHeads(redis, keyPrefix, ids), logger, after }),
      topics,
      addLetters,
      notes: createSourceNotes({ health, logger, now: () => performance.now() }),
      tap: closedTap,
      metrics,
      logger,
      after,
      random: () => 0,
      now: Date.now,
      stopped,
      pause: async () => {},
    },
    {
      ...common,
      batchSize: config.kafka.batchSize,
      batchTimeoutMs: config.kafka.batchTimeoutMs,
      ...config.delivery,
      outagesCount: !config.delivery.circuitBreaker.enabled,
      isOrdered,
      rates: { maxRate: 100_000, minRate: 10 },
    },
  );

const records = queues.records(sourceId);
const added = records.addBulk.bind(records);
records.addBulk = stepOf(() => 'add the job', added);

const limits = chunkLimits(resolveSource(config, sourceId));
const pollQueue = openQueue(pollQueueAddress(keyPrefix), redis, () => {});
const rowAdded = pollQueue.add.bind(pollQueue);
pollQueue.add = stepOf(() => 'add the row', rowAdded);
const askReparse = createAskReparse({ redis, queue: pollQueue }, { keyPrefix });

const openLetters = (): OpenQueue =>
  openDeadLetterQueue(
    {
      redis,
      store,
      memory: {
        // Asked first by every run that is not the first.
        high: async () => {
          reached('run the letter');
          return null;
        },
      },
      reparse: askReparse,
      recordsQueue: () => records,
      ring: () => {},
      logger,
      after,
    },
    { ...common, limits, job, isRetired: false },
  );

const letterQueue = openQueue(deadLetterQueueAddress(keyPrefix, sourceId), redis, () => {});
const stateOfLetter = (id: string): Promise<string> => letterQueue.getJobState(id);
const haveFailed = async (ids: readonly string[]): Promise<boolean> =>
  (await Promise.all(ids.map(stateOfLetter))).every((state) => state === 'failed');

/** Opens the letters, retries one after its first run, and resolves when it is in this state. */
const retry = async (letterId: string, state: 'delayed' | 'unknown'): Promise<OpenQueue> => {
  const letters = openLetters();
  await waitUntil('the first run of the letter', () => haveFailed([letterId]), waiting);
  await retryLetter(letterQueue, letterId);
  await waitUntil(`the letter to be ${state}`, async () => (await stateOfLetter(letterId)) === state, waiting);
  return letters;
};

/** Parses the rows that are asked for, as a poller does. */
const parseRows = async (): Promise<void> => {
  const address = pollQueueAddress(keyPrefix);
  const parse = createRowParser({ store, recordsQueue: records }, { limits, job });
  const poller = openWorker(address, redis, parse, { concurrency: 1, name: 'poller' }, () => {});
  await waitUntil('the row to be parsed', async () => (await pollQueue.getJobs()).length === 0, waiting);
  reached('complete the row');
  await poller.close();
};

/** Delivers the chunk to its end. */
const deliver = async (): Promise<void> => {
  openRecords();
  if (toRefuse !== null && !isOrdered) {
    await waitUntil('the retry', async () => (await records.getJobState(chunkId)) === 'delayed', waiting);
    reached('retry');
  }
  await waitUntil('the end of the chunk', async () => (await records.getJobState(chunkId)) === 'unknown', waiting);
  reached('complete the chunk');
};

switch (work.kind) {
  case 'chunk':
    await deliver();
    break;
  case 'replay': {
    const letters = await retry(work.letterId, 'unknown');
    reached('complete the letter');
    await letters.close();
    await deliver();
    break;
  }
  case 'reparse': {
    const letters = await retry(work.letterId, 'delayed');
    reached('wait');
    await letters.close();
    await parseRows();
    const again = openLetters();
    await waitUntil('the end of the letter', async () => (await stateOfLetter(work.letterId)) === 'unknown', waiting);
    reached('complete the letter');
    await again.close();
    await deliver();
    break;
  }
  case 'burial': {
    const failed = {
      ...queues.failed,
      claim: stepOf(
        () => 'claim',
        (id: string, chunk: string) => queues.failed.claim(id, chunk),
      ),
    };
    const topicOf = (id: string): string => topics.resolve(id).topic;
    const sweep = createSweep(
      {
        sweepSource: (id, healLostJobs, signal) =>
          sweepSource({ store, queue: records }, { sourceId: id, job, healLostJobs, signal }),
        bury: (id, chunk) =>
          buryFailedChunk({ store, queues: { addLetters, failed }, topicOf, lettersFull: roomForLetters }, id, chunk),
        ring: () => {},
        logger,
        now: () => performance.now(),
      },
      [sourceId],
    );
    await sweep(stopped);
    break;
  }
}
if (options.letters.length > 0) {
  openLetters();
  await waitUntil('the first run of the letters', () => haveFailed(options.letters), waiting);
  reached('fail the letters');
}
process.exit(0);
