// A real consumer in a real group whose speed can be set: it reads, takes its time for every record, and commits what it is
// through with. Drills slow it, stop it and let it go again, to see what the system does about its lag.
import { setTimeout as pause } from 'node:timers/promises';
import { patchRequestQueue } from '@stream-manager/shared/kafka/request-queue-patch';
import { type EachBatchPayload, Kafka, logLevel } from 'kafkajs';

export interface PacedConsumerOptions {
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topic: string;
  /** Time between two commits, in milliseconds. Default 250. */
  readonly commitIntervalMs?: number;
  /** Records/s; 0: it stands still and stays in its group. Default: as fast as it can. */
  readonly capacity?: number;
}

/** A running consumer. */
export interface PacedConsumer {
  /** Records it is through with. */
  consumed(): number;
  /** Records/s from now on; 0: it stands still and stays in its group. */
  setCapacity(recordsPerSecond: number): void;
  /** Leaves the group; what it has committed stays. Idempotent. */
  stop(): Promise<void>;
}

const stepMs = 20;

/** Starts where the group has committed, or at the beginning. Throws what the client throws when it cannot connect. */
export const startPacedConsumer = async (options: PacedConsumerOptions): Promise<PacedConsumer> => {
  const { brokers, groupId, topic, commitIntervalMs = 250 } = options;
  patchRequestQueue();
  const kafka = new Kafka({ clientId: `consumer-${groupId}`, brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 });
  const stopping = new AbortController();
  const through = new Map<number, string>();
  let capacity = options.capacity ?? Number.POSITIVE_INFINITY;
  let consumed = 0;
  /** What the records so far have taken: when the next one may be taken, in monotonic milliseconds. */
  let freeAt = performance.now();

  /** How many of so many records may be taken now, a step's worth at most. */
  const takeNow = (records: number): number => {
    if (capacity === Number.POSITIVE_INFINITY) return records;
    const now = performance.now();
    freeAt = Math.max(freeAt, now - Math.max(2 * stepMs, 2_000 / capacity));
    const due = Math.min(records, Math.floor(((now - freeAt) / 1_000) * capacity));
    if (due > 0) freeAt += (due / capacity) * 1_000;
    return due;
  };
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { partition, messages } = payload.batch;
    const isOver = (): boolean => stopping.signal.aborted || !payload.isRunning() || payload.isStale();
    for (let next = 0; next < messages.length && !isOver(); ) {
      const taken = takeNow(messages.length - next);
      next += taken;
      const last = messages[next - 1];
      if (taken > 0 && last !== undefined) {
        consumed += taken;
        through.set(partition, last.offset);
        payload.resolveOffset(last.offset);
      }
      await payload.heartbeat();
      if (next < messages.length) await pause(stepMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const committed = new Map<number, string>();
  const commit = async (): Promise<void> => {
    const fresh = [...through].filter(([partition, offset]) => committed.get(partition) !== offset);
    if (fresh.length === 0) return;
    await consumer.commitOffsets(
      fresh.map(([partition, offset]) => ({ topic, partition, offset: String(Number(offset) + 1) })),
    );
    for (const [partition, offset] of fresh) committed.set(partition, offset);
  };
  const keepCommitting = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(commitIntervalMs, undefined, { signal: stopping.signal }).catch(() => {});
      // A group that is being joined refuses; the next one passes.
      await commit().catch(() => {});
    }
  };

  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
  const committing = keepCommitting();
  let stopped: Promise<void> | null = null;
  return {
    consumed: () => consumed,
    setCapacity: (recordsPerSecond) => {
      capacity = recordsPerSecond;
      freeAt = performance.now();
    },
    stop: () => {
      stopping.abort();
      stopped ??= committing.then(() => consumer.disconnect());
      return stopped;
    },
  };
};
