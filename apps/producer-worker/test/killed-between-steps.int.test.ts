// A producer process is killed (SIGKILL) after every single step of run → take → publish → settle → complete, of the
// move to the dead letters, of a replay (of a row, too) and of a burial, on real Redis and Kafka; then a normal worker takes over. The
// account of each instant: every record is in Kafka or is exactly one dead letter, and doubled is only what Kafka had
// acknowledged and was not yet settled. The steps named here are compared with those of a process that nobody kills: whoever
// adds one has to name it, and it gets its instant.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { openQueue, openWorker, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters, deadLetterJobId } from '@stream-manager/shared/queues/dead-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { letterOf } from '@stream-manager/shared/queues/dead-letters/record-letter';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { chunkJobOptions, chunkLimits } from '@stream-manager/shared/queues/source-limits';
import type { PreparedRecord } from '@stream-manager/shared/records/payload';
import { readTopics } from '@stream-manager/testkit/accounting/read-topics';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { storedRecords, takenChunk } from './chunks.ts';
import type { KilledProducerOptions, KilledWork } from './killed-producer.ts';
import { numberedRecord, numbersOf, openProducer, type ProducerBundle, sourceId } from './producer-bundle.ts';
import { createRowParser } from './row-parser.ts';

const program = join(import.meta.dirname, 'killed-producer.ts');

const good = numberedRecord;
/** Too large for its topic. */
const poison = (index: number): PreparedRecord => numberedRecord(index, { padding: 30_000 });
const letterId = ({ id, hash }: PreparedRecord, replays = 0): string =>
  deadLetterJobId(id.toString('base64url'), hash, replays);

interface Path {
  readonly name: string;
  readonly steps: readonly string[];
  /** Numbers of the records that are in Kafka in the end. */
  readonly published: readonly number[];
  /** The letters that lie there in the end. */
  readonly letters: readonly string[];
  readonly ordering?: 'none' | 'per-key';
  /** Lays out the work of the process that is killed. */
  readonly lay: (producer: ProducerBundle) => Promise<KilledWork>;
}

const mixed = [good(0), good(1), poison(2), good(3)];
/** Record 4 is refused once for an error that uses an attempt. */
const layRefused = async (producer: ProducerBundle): Promise<KilledWork> => ({
  kind: 'chunk',
  chunkId: await producer.enqueue([...mixed, good(4)]),
  refusedOnce: good(4).id.toString('base64url'),
});
/** A letter of the record, whose job was not run yet. */
const layLetter =
  (record: PreparedRecord) =>
  async ({ redis, config, deadLetters, topic }: ProducerBundle): Promise<KilledWork> => {
    const taken = takenChunk(1, { prepared: [record], pollId: 'poll-1' });
    const attempts = [{ at: '2026-01-04T10:00:00.000Z', error: 'too large' }] as const;
    const cause = { code: 'MESSAGE_TOO_LARGE', reason: 'too large', topic, attempts };
    const letters = storedRecords(taken).map((stored) => letterOf(sourceId, taken, stored, cause));
    await addDeadLetters(deadLetters, letters, createLetterStocks(redis, config.redis.keyPrefix));
    return { kind: 'replay', letterId: letterId(record) };
  };
/** A letter of a row that names record 7. */
const layRow = async ({ redis, config, deadLetters }: ProducerBundle): Promise<KilledWork> => {
  const at = '2026-01-04T10:00:00.000Z';
  const data = {
    sourceId,
    code: 'invalid_row',
    reason: 'not_a_number: row',
    topic: null,
    raw: '7',
    attempts: [{ at, error: 'not_a_number: row' }],
    firstFailedAt: at,
    lastFailedAt: at,
    pollId: 'poll-1',
    payloadVersion: 1,
    replays: 0,
  };
  await addDeadLetters(
    deadLetters,
    [{ jobId: 'row-abcdef-0', data }],
    createLetterStocks(redis, config.redis.keyPrefix),
  );
  return { kind: 'reparse', letterId: 'row-abcdef-0' };
};
/** A chunk with a job that BullMQ has failed, as it does with one that stalled too often. */
const layFailed = async (producer: ProducerBundle): Promise<KilledWork> => {
  const { redis, records } = producer;
  const chunkId = await producer.enqueue([good(0), good(1)]);
  await redis.zrem(records.toKey('prioritized'), chunkId);
  await redis.zadd(records.toKey('failed'), 1_000, chunkId);
  await redis.hset(
    records.toKey(chunkId),
    'failedReason',
    'job stalled more than allowable limit',
    'finishedOn',
    1_000,
  );
  return { kind: 'burial' };
};

const replayed = ['run the letter', 'admit', 'add the job', 'complete the letter', 'run the chunk', 'take'];
const refusedOnce = [
  'run the chunk',
  'take',
  'publish 0 1 3',
  'settle the acknowledged (some)',
  'add letters (1)',
  'settle the buried (some)',
  'note tries',
];
const sentAgain = [
  'run the chunk',
  'take',
  'publish 4',
  'settle the acknowledged (all)',
  'complete the chunk',
  'fail the letters',
];

const paths: readonly Path[] = [
  {
    name: 'of a chunk with one record that is too large',
    steps: [
      'run the chunk',
      'take',
      'publish 0 1 3',
      'settle the acknowledged (some)',
      'add letters (1)',
      'settle the buried (all)',
      'complete the chunk',
      'fail the letters',
    ],
    published: [0, 1, 3],
    letters: [letterId(poison(2))],
    lay: async (producer) => ({ kind: 'chunk', chunkId: await producer.enqueue(mixed), refusedOnce: null }),
  },
  {
    name: 'of a chunk of which one record has to be sent again',
    steps: [...refusedOnce, 'retry', ...sentAgain],
    published: [0, 1, 3, 4],
    letters: [letterId(poison(2))],
    lay: layRefused,
  },
  {
    name: 'of the same chunk under per-key order, where it is repeated in place',
    steps: [...refusedOnce, ...sentAgain],
    published: [0, 1, 3, 4],
    letters: [letterId(poison(2))],
    ordering: 'per-key',
    lay: layRefused,
  },
  {
    name: 'of a replay that goes through',
    steps: [...replayed, 'publish 5', 'settle the acknowledged (all)', 'complete the chunk'],
    published: [5],
    letters: [],
    lay: layLetter(good(5)),
  },
  {
    name: 'of a replay that is refused again',
    steps: [
      ...replayed,
      'publish',
      'add letters (1)',
      'settle the buried (all)',
      'complete the chunk',
      'fail the letters',
    ],
    published: [],
    letters: [letterId(poison(6), 1)],
    lay: layLetter(poison(6)),
  },
  {
    name: 'of a replay of a row that is parsed again',
    steps: [
      'run the letter',
      'look up the mark',
      'add the row',
      'wait',
      'admit',
      'add the job',
      'leave the mark',
      'complete the row',
      'run the letter',
      'look up the mark',
      'complete the letter',
      'run the chunk',
      'take',
      'publish 7',
      'settle the acknowledged (all)',
      'complete the chunk',
    ],
    published: [7],
    letters: [],
    lay: layRow,
  },
  {
    name: 'of the burial of a chunk that BullMQ has failed',
    steps: ['claim', 'take', 'add letters (2)', 'settle the buried (all)', 'fail the letters'],
    published: [],
    letters: [letterId(good(0)), letterId(good(1))],
    lay: layFailed,
  },
];

/** Lets at most `width` acts run at a time: a process that starts takes a core. */
const createTurns = (width: number) => {
  const waiting: (() => void)[] = [];
  let free = width;
  return async <T>(act: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};
const inTurn = createTurns(8);

/** Compiled code, which the process that is not killed leaves for those that are. */
let compiled = '';
beforeAll(async () => {
  compiled = await mkdtemp(join(tmpdir(), 'killed-producer-'));
});
afterAll(() => rm(compiled, { recursive: true, force: true }));

/** Runs the process to the step after which it kills itself, or to its end; gives its steps. */
const runToKill = async (options: KilledProducerOptions): Promise<readonly string[]> => {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await once(child, 'close');
  const { exitCode, signalCode } = child;
  if (exitCode !== 0 && signalCode !== 'SIGKILL')
    throw new Error(`it ended with ${exitCode ?? signalCode} after ${said}: ${errors}`);
  return said.trim().split('\n');
};

const left = async ({ redis, config, records, deadLetters, store }: ProducerBundle) => {
  const keys = sourceKeys(config.redis.keyPrefix, sourceId);
  const letters = await deadLetters.getFailed();
  return {
    letters: letters.map(({ id }) => id ?? '').toSorted((a, b) => a.localeCompare(b)),
    lettersToRun: await deadLetters.getJobCountByTypes('wait', 'active', 'prioritized', 'delayed', 'completed'),
    records: (await store.counts([sourceId])).get(sourceId)?.total,
    chunks: (await redis.keys(`${keys.chunkPrefix}*`)).length + (await redis.zcard(keys.index)),
    jobs: await records.getJobCountByTypes('wait', 'active', 'prioritized', 'delayed', 'failed', 'completed'),
    countedAsPublished: (await store.totals([sourceId])).get(sourceId)?.published,
  };
};

const leftOf = (path: Path): Awaited<ReturnType<typeof left>> & { readonly rows: number } => ({
  letters: path.letters.toSorted((a, b) => a.localeCompare(b)),
  lettersToRun: 0,
  records: 0,
  chunks: 0,
  jobs: 0,
  rows: 0,
  countedAsPublished: path.published.length,
});

/** A poller that parses rows as long as it is open. */
const parseRows = ({ config, redis, store, records }: ProducerBundle) => {
  const address = pollQueueAddress(config.redis.keyPrefix);
  const options = { limits: chunkLimits(resolveSource(config, sourceId)), job: chunkJobOptions(config.delivery) };
  const parse = createRowParser({ store, recordsQueue: records }, options);
  const queue = openQueue(address, redis, () => {});
  const poller = openWorker(address, redis, parse, { concurrency: 1, name: 'poller' }, () => {});
  return {
    left: async (): Promise<number> => (await queue.getJobs()).length,
    [Symbol.asyncDispose]: async () => {
      await poller.close();
      await queue.close();
    },
  };
};

/** Kills a process on the path, lets a normal worker take over, and gives what there is then. */
const killOn = async (path: Path, killAfter: number | null) => {
  await using producer = await openProducer({
    config: {
      delivery: { backoffMs: [3_000], ordering: path.ordering ?? 'none' },
      throttling: { sampleIntervalMs: 10_000 },
    },
  });
  const { config, topic, records, store } = producer;
  await producer.createTopic({ partitions: 1, config: { 'max.message.bytes': '20000' } });
  const work = await path.lay(producer);
  const steps = await inTurn(() => runToKill({ config, sourceId, work, letters: path.letters, killAfter }));
  await using rows = parseRows(producer);
  await producer.startWorker();
  const found = await waitUntil(
    `everything to be in its place after "${steps.at(-1)}"`,
    async () => {
      const now = { ...(await left(producer)), rows: await rows.left() };
      if (
        now.records !== 0 ||
        now.jobs > 0 ||
        now.rows > 0 ||
        now.lettersToRun > 0 ||
        now.letters.length < path.letters.length
      )
        throw new Error(JSON.stringify(now));
      return now;
    },
    { timeoutMs: 90_000, intervalMs: 200 },
  );
  const swept = await sweepSource(
    { store, queue: records },
    { sourceId, job: chunkJobOptions(config.delivery), healLostJobs: true },
  );
  return { steps, topic, found, swept };
};

const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
/** The records that a step has had acknowledged. */
const acknowledgedBy = (step: string | undefined): readonly number[] =>
  step?.startsWith('publish ') === true ? step.split(' ').slice(1).map(Number) : [];

describe('a producer that is killed after every step', () => {
  it.concurrent.each(paths)(
    '$name loses nothing, and doubles only what was acknowledged and not settled',
    async (path) => {
      const instants = [null, ...path.steps.map((_step, index) => index + 1)];
      const runs = await Promise.all(instants.map((killAfter) => killOn(path, killAfter)));
      expect(runs[0]?.steps).toEqual(path.steps);
      const stored = await readTopics({
        brokers: inject('kafkaBrokers'),
        topics: runs.map(({ topic }) => topic),
      });
      const accounts = runs.map(({ steps, topic, found, swept }) => ({
        steps,
        inKafka: ascending(numbersOf(stored.filter((record) => record.topic === topic))),
        ...found,
        swept,
      }));
      const expected = instants.map((killAfter) => {
        const steps = path.steps.slice(0, killAfter ?? undefined);
        const doubled = killAfter === null ? [] : acknowledgedBy(steps.at(-1));
        const swept = { added: 0, removed: 0, healed: 0, failed: [] };
        return { steps, inKafka: ascending([...path.published, ...doubled]), ...leftOf(path), swept };
      });
      expect(accounts).toEqual(expected);
    },
    240_000,
  );
});
