// A process that polls and publishes without end, for one source together with others of its kind, until a test kills it at
// any instant. Run by cap-under-kills.int.test.ts: node busy-process.ts OPTIONS (JSON). Says "ready" when it has begun.
import { Queue, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { recordsQueueAddress } from '../../src/queues/bullmq.ts';
import type { ChunkLimits } from '../../src/queues/chunk-store.ts';
import { sweepSource } from '../../src/queues/records-queue.ts';
import { createRedisChunkStore } from '../../src/queues/redis-chunk-store.ts';
import { priorityClasses } from '../../src/records/priority.ts';
import { type ChunkLifeDeps, createProducer, pollOnce } from './chunk-life.ts';
import { openKeptLetters } from './kept-letters.ts';
import { record } from './small-records.ts';

export interface BusyProcessOptions {
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly sourceId: string;
  readonly limits: ChunkLimits;
  readonly sent: string;
  /** Random numbers begin with this. */
  readonly seed: number;
  readonly locks: Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount' | 'drainDelay'>;
}

// Written by the test as exactly this.
const options = JSON.parse(process.argv[2] ?? '') as BusyProcessOptions;
const { keyPrefix, sourceId, limits } = options;
const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
const { name, prefix } = recordsQueueAddress(keyPrefix, sourceId);
const store = createRedisChunkStore({ redis, keyPrefix });
const queue = new Queue(name, { connection: redis, prefix });

let state = options.seed;
/** A whole number below `below`: the same ones for the same seed. */
const draw = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const deps: ChunkLifeDeps = {
  redis,
  sourceId,
  sent: options.sent,
  store,
  queue,
  keep: openKeptLetters(redis, keyPrefix, sourceId).keep,
  reach: () => Promise.resolve(),
};

new Worker(name, createProducer(deps, true), {
  connection: redis.duplicate(),
  prefix,
  concurrency: 2,
  ...options.locks,
}).on('error', () => {});

const job = { attempts: 3, backoff: { type: 'fixed', delay: 10 } };
const poll = async (): Promise<never> => {
  for (let round = 1; ; round += 1) {
    // Answers overlap with those of the other processes, and now and then a row stands in one twice.
    const first = draw(6_000);
    const rows = Array.from({ length: 1 + draw(12) }, (_, at) => record(first + (draw(20) === 0 ? 0 : at)));
    await pollOnce(deps, rows, limits, priorityClasses[draw(4)]);
    if (round % 200 === 0) await sweepSource({ store, queue }, { sourceId, job });
  }
};
process.stdout.write('ready\n');
// Two polls of one source at a time: never meant to be, and harmless.
await Promise.all([poll(), poll()]);
