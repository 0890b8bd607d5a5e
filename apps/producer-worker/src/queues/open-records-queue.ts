// The records queue of one source, opened in this process: BullMQ's side of delivering chunks. How many jobs it fetches
// follows from what is in hand: `concurrency` = chunks held + 1 while there is room. Fixed slots would put slots × 500
// records in hand before the first one is sent, and starve a collector that waits for more.
// What the gates do not let be sent goes back to the queue, where somebody else may have it, but for what may wait here; and
// something more urgent that comes to the queue takes the place of what waits. The check for the chunks of dead workers goes
// on all the time.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { ChunkJobData } from '@stream-manager/shared/jobs/payloads';
import {
  lockDurationMs,
  type OpenWorkerOptions,
  openStalledCheck,
  openWorker,
  recordsQueueAddress,
} from '@stream-manager/shared/queues/bullmq';
import type { RecordsQueue } from '@stream-manager/shared/queues/records-queue';
import type { ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import { createWorkerGuard } from '@stream-manager/shared/queues/worker-guard';
import { type PriorityClass, priorityClasses } from '@stream-manager/shared/records/priority';
import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Collector, createCollector } from '../delivery/collect.ts';
import { backoffAfter } from '../delivery/decide-chunk.ts';
import { createDelivery, type DeliverDeps, type DeliverOptions, type Piece } from '../delivery/deliver-chunk.ts';
import { createInOrderDelivery } from '../delivery/deliver-in-order.ts';
import { lockTakenAt } from '../delivery/fence.ts';
import type { Publisher } from '../delivery/publish.ts';
import { createSendBatch } from '../delivery/send-batch.ts';
import type { SendGate } from '../kafka/breaker.ts';
import { endJob } from './end-job.ts';
import { createFetching } from './fetching.ts';
import { createGates, type GatesOptions } from './gates.ts';
import type { HeadWatch } from './head-watch.ts';
import { keepOneAtATime } from './one-at-a-time.ts';
import { createRests } from './rests.ts';

/** Batches of one source in flight at most, and how many batches of records it may hold in all. */
export const maxInFlight = 4;
const batchesInHand = 5;

/** A queue that this process works on. */
export interface OpenQueue {
  /** Takes nothing more, waits for what is on its way, gives back what is not, and lets the connection go. Idempotent. */
  close(): Promise<void>;
}

export interface OpenRecordsDeps extends Omit<DeliverDeps, 'collector' | 'isShut'> {
  readonly redis: Redis;
  readonly queue: RecordsQueue;
  readonly publisher: Publisher;
  readonly gate: SendGate;
  readonly throttle: Pick<ThrottleStore, 'askToSend'>;
  readonly heads: HeadWatch;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface OpenRecordsOptions
  extends Pick<DeliverOptions, 'destinationGraceMs' | 'outagesCount' | 'maxAttempts'> {
  readonly sourceId: string;
  readonly keyPrefix: string;
  /** Shown in Bull Board: the process instance. */
  readonly workerName: string;
  readonly batchSize: number;
  readonly batchTimeoutMs: number;
  readonly backoffMs: readonly number[];
  readonly jitter: number;
  /** One chunk at a time over the fleet, repeated in place: `delivery.ordering: per-key`. */
  readonly isOrdered: boolean;
  /** The source's rates; null: it is gone from the config, and nobody samples its lag. */
  readonly rates: GatesOptions['rates'];
}

/** How many jobs the worker may have at once. Pure. */
export const wantedConcurrency = (chunksHeld: number, recordsHeld: number, roomRecords: number): number =>
  Math.max(1, chunksHeld + (recordsHeld < roomRecords ? 1 : 0));

/** Records of a job as its data says; at least 1, since anybody can add a job by hand. */
const recordsOf = (data: Partial<ChunkJobData> | undefined): number => {
  const records = Number(data?.records);
  return Number.isFinite(records) && records >= 1 ? records : 1;
};

/** The class in which BullMQ serves a job: a chunk that has waited long has risen; anybody may set any number by hand. */
const rankOf = (job: Job<ChunkJobData>): PriorityClass =>
  priorityClasses.find((known) => known === job.priority) ?? job.data.priority;

/** Opens the records queue of a source; it works until it is closed. */
export const openRecordsQueue = (deps: OpenRecordsDeps, options: OpenRecordsOptions): OpenQueue => {
  const { sourceId, isOrdered, maxAttempts } = options;
  const address = recordsQueueAddress(options.keyPrefix, sourceId);
  const monotonic = (): number => performance.now();
  const guard = createWorkerGuard({ logger: deps.logger, now: monotonic, after: deps.after }, { queue: address.name });
  const rests = createRests(deps.after);
  let chunksHeld = 0;
  let recordsHeld = 0;
  let isClosing = false;

  const gates = createGates(
    {
      breaker: deps.gate,
      store: deps.throttle,
      onChange: () => {
        adjust();
        collector.wake();
      },
      onShut: () => {
        collector.giveBack();
        rests.end();
      },
      logger: deps.logger,
      after: deps.after,
    },
    {
      sourceId,
      asker: options.workerName,
      isWhole: isOrdered,
      batchSize: options.batchSize,
      batchesInHand,
      rates: options.rates,
    },
  );

  const collector: Collector<Piece> = createCollector<Piece>(
    {
      enter: (batch) => gates.enter(batch).finally(adjust),
      leave: () => gates.leave(),
      onRefused: () => {
        holdLess();
        adjust();
      },
      send: createSendBatch(
        {
          publisher: deps.publisher,
          extendLocks: (ids, tokens, durationMs) => worker.extendJobLocks(ids, tokens, durationMs),
          now: monotonic,
        },
        { sourceId, lockDurationMs },
      ),
      now: monotonic,
      after: deps.after,
    },
    {
      batchRecords: (priority) => (isOrdered ? options.batchSize : gates.batchRecords(priority)),
      batchTimeoutMs: options.batchTimeoutMs,
      maxInFlight: isOrdered ? 1 : maxInFlight,
    },
  );
  /** Gives back what may not, or need not, wait here. */
  const holdLess = (): void => {
    if (!gates.mayHold()) collector.giveBack();
    else if (gates.isHeldBack() && !isOrdered) collector.keepWithin(gates.recordsInHand());
  };
  const adjust = (): void => {
    worker.concurrency = wantedConcurrency(chunksHeld, recordsHeld, isOrdered ? 1 : gates.recordsInHand());
    fetching.set(gates.mayFetch());
  };

  const deliverOnce = createDelivery(
    {
      ...deps,
      isShut: () => deps.gate.isShut(),
      collector: {
        ...collector,
        add: (pieces) => {
          collector.add(pieces);
          // One that was still being fetched or taken when the gate shut.
          holdLess();
        },
      },
    },
    {
      ...options,
      // In order, one publish carries the chunk whole: the port keeps the order within each partition.
      pieceRecords: (rank) => (isOrdered ? Number.POSITIVE_INFINITY : gates.batchRecords(rank)),
      attemptsOf: isOrdered ? 'chunk' : 'job',
    },
  );
  const backoff = (attempts: number): number =>
    backoffAfter(attempts, options.backoffMs, options.jitter, deps.random());

  const process = async (job: Job<ChunkJobData>, token: string | undefined): Promise<void> => {
    const chunkId = job.id;
    if (chunkId === undefined || token === undefined) throw new Error('a chunk job without id or token');
    const records = recordsOf(job.data);
    const hold = (sign: 1 | -1): void => {
      chunksHeld += sign;
      recordsHeld += sign * records;
      adjust();
    };
    const deliver = isOrdered
      ? createInOrderDelivery(
          {
            deliver: deliverOnce,
            rest: (delayMs) =>
              isClosing || !gates.mayHold() ? Promise.resolve('given_back') : rests.rest(delayMs, rankOf(job)),
            backoff,
          },
          { maxAttempts },
        )
      : deliverOnce;
    // Before the first await: BullMQ looks at the concurrency again as soon as the processor has given way.
    hold(1);
    try {
      const ending = await deliver({
        chunkId,
        token,
        rank: rankOf(job),
        lockedAt: lockTakenAt(job.processedOn, Date.now(), monotonic()),
        // A job that an older config added ends sooner: BullMQ fails it for good then.
        attempts: { made: job.attemptsMade, max: Math.min(maxAttempts, Math.max(1, job.opts.attempts ?? 1)) },
      });
      await endJob(deps, address, job, token, ending);
    } finally {
      hold(-1);
    }
  };

  const workerOptions: OpenWorkerOptions = {
    concurrency: 1,
    name: options.workerName,
    autorun: false,
    settings: { backoffStrategy: backoff },
  };
  const worker: Worker = openWorker(address, deps.redis, process, workerOptions, guard.onError);
  const fetching = createFetching(worker, {
    startCheck: () => openStalledCheck(address, deps.redis, guard.onError),
    logger: deps.logger,
  });
  guard.watch(fetching.guarded);
  const unwatch = deps.heads.watch({
    sourceId,
    leastUrgent: () => rests.leastUrgent() ?? collector.leastUrgent(),
    makeRoom: () => {
      rests.end();
      collector.giveBackLast();
    },
  });

  let cancelRun: (() => void) | null = null;
  /** Works once the order is safe; a Redis that refuses is asked again. */
  const run = (): void => {
    if (isClosing) return;
    keepOneAtATime(deps.queue, isOrdered).then(
      () => {
        if (isClosing) return;
        adjust();
        // Behind a shut gate it starts with the first `resume`.
        if (gates.mayFetch()) worker.run().catch(guard.onError);
      },
      (error: unknown) => {
        deps.logger.warn({ sourceId, error: messageOf(error) }, 'a records queue could not be opened; trying again');
        cancelRun = deps.after(1_000, run);
      },
    );
  };
  run();

  return {
    close: async () => {
      isClosing = true;
      gates.startClosing();
      cancelRun?.();
      guard.stop();
      unwatch();
      rests.end();
      holdLess();
      await fetching.close();
      await worker.close();
      gates.close();
    },
  };
};
