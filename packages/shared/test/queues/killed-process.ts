// A process that polls and publishes, and stands still after one step, where the test kills it.
// Run by killed-between-steps.int.test.ts: node killed-process.ts OPTIONS (JSON). Says the step on its standard output.
import { Queue, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { recordsQueueAddress } from '../../src/queues/bullmq.ts';
import type { ChunkLimits } from '../../src/queues/chunk-store.ts';
import { createRedisChunkStore } from '../../src/queues/redis-chunk-store.ts';
import { type ChunkLifeDeps, createProducer, pollOnce, type Step } from './chunk-life.ts';
import { openKeptLetters } from './kept-letters.ts';
import { record } from './small-records.ts';

export interface KilledProcessOptions {
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly sourceId: string;
  readonly stopsAfter: Step;
  readonly limits: ChunkLimits;
  /** The answer of the poll: id and revision of each record. */
  readonly answer: readonly (readonly [id: number, revision: number])[];
  readonly inHalves: boolean;
  readonly sent: string;
  /** The same in all workers: the stalled check of one holds off those of the others for its own interval. */
  readonly locks: Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'>;
}

// Written by the test as exactly this.
const options = JSON.parse(process.argv[2] ?? '') as KilledProcessOptions;
const { keyPrefix, sourceId } = options;
const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
const { name, prefix } = recordsQueueAddress(keyPrefix, sourceId);
const deps: ChunkLifeDeps = {
  redis,
  sourceId,
  sent: options.sent,
  store: createRedisChunkStore({ redis, keyPrefix }),
  keep: openKeptLetters(redis, keyPrefix, sourceId).keep,
  queue: new Queue(name, { connection: redis, prefix }),
  reach: async (step) => {
    if (step !== options.stopsAfter) return;
    process.stdout.write(`${step}\n`);
    await new Promise(() => {});
  },
};

await pollOnce(
  deps,
  options.answer.map(([id, revision]) => record(id, revision)),
  options.limits,
);
new Worker(name, createProducer(deps, options.inHalves), {
  connection: redis.duplicate(),
  prefix,
  ...options.locks,
}).on('completed', () => void deps.reach('complete'));
