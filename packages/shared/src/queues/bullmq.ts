// How every BullMQ queue and worker of the system is opened: one place for prefixes, locks and limits, so that two
// processes never disagree on them. Traps behind each value: docs/decisions/0004-bullmq.md.
import { type Processor, Queue, Worker, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { deadLetterQueueName, pollPrefix, pollQueueName, recordsQueueName, sourcePrefix } from '../jobs/queue-names.ts';

/**
 * A job whose holder is dead is handed on after lock + check, so within 15 s. All workers of a queue must use the same
 * interval: one with a longer one holds off the others' check.
 */
export const lockDurationMs = 10_000;
const stalledIntervalMs = 4_000;
/** A stall is a dead process, not a bad job: the job is not failed for it until it happened this often. */
const maxStalledCount = 10;
/** Longest wait of an idle worker on Redis, in seconds: also how soon it notices a key that was set behind its back. */
const drainDelaySeconds = 1;

/** One of the system's queues: its name and its prefix in Redis. */
export interface QueueAddress {
  readonly name: string;
  readonly prefix: string;
}

/** The shared queue of ticks and polls. */
export const pollQueueAddress = (keyPrefix: string): QueueAddress => ({
  name: pollQueueName,
  prefix: pollPrefix(keyPrefix),
});

/** The queue of a source's chunks. */
export const recordsQueueAddress = (keyPrefix: string, sourceId: string): QueueAddress => ({
  name: recordsQueueName(sourceId),
  prefix: sourcePrefix(keyPrefix, sourceId),
});

/** The queue of a source's dead letters. */
export const deadLetterQueueAddress = (keyPrefix: string, sourceId: string): QueueAddress => ({
  name: deadLetterQueueName(sourceId),
  prefix: sourcePrefix(keyPrefix, sourceId),
});

/** Opens a queue on a shared connection; closing it leaves the connection open. `onError` gets what would kill Node unheard. */
export const openQueue = (address: QueueAddress, connection: Redis, onError: (error: Error) => void): Queue => {
  const queue = new Queue(address.name, {
    connection,
    prefix: address.prefix,
    // ops/start-process.ts has checked the server, with an error instead of a line on the console.
    skipVersionCheck: true,
    streams: { events: { maxLen: 1000 } },
  });
  queue.on('error', onError);
  return queue;
};

/** What a worker may choose; the rest is the same for all. */
export interface OpenWorkerOptions {
  readonly concurrency: number;
  /** Shown in Bull Board and in `processedBy`. */
  readonly name: string;
  /** Default true; false: started by `run()`. */
  readonly autorun?: boolean;
  readonly settings?: NonNullable<WorkerOptions['settings']>;
}

/** Opens a worker. It makes a blocking connection of its own beside the shared one. */
export const openWorker = (
  address: QueueAddress,
  connection: Redis,
  processor: Processor,
  options: OpenWorkerOptions,
  onError: (error: Error) => void,
): Worker => {
  const worker = new Worker(address.name, processor, {
    connection,
    prefix: address.prefix,
    skipVersionCheck: true,
    concurrency: options.concurrency,
    name: options.name,
    autorun: options.autorun ?? true,
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount,
    drainDelay: drainDelaySeconds,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  });
  worker.on('error', onError);
  return worker;
};

/**
 * Keeps the check for jobs of dead workers alive on a queue that this process does not fetch from now: a paused worker does
 * not check, and with all workers of a queue paused nobody would recover what a dead one held. Gives how to end it.
 */
export const openStalledCheck = (
  address: QueueAddress,
  connection: Redis,
  onError: (error: Error) => void,
): (() => Promise<void>) => {
  const checker = new Worker(address.name, null, {
    connection,
    prefix: address.prefix,
    skipVersionCheck: true,
    autorun: false,
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount,
  });
  checker.on('error', onError);
  checker.startStalledCheckTimer().catch(onError);
  return () => checker.close();
};
