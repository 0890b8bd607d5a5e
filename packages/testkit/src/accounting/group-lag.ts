// The lag of a consumer group as an onlooker reads it, with an admin client of its own: what the product says of the lag
// can be compared with it.
import { setTimeout as pause } from 'node:timers/promises';
import { patchRequestQueue } from '@stream-manager/shared/kafka/request-queue-patch';
import { Kafka, logLevel } from 'kafkajs';

export interface GroupLagOptions {
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topic: string;
  /** Pause between two looks, in milliseconds. Default 100. */
  readonly intervalMs?: number;
}

/** What one look gave. */
export interface SeenLag {
  /** Epoch milliseconds, after the look. */
  readonly at: number;
  /** Records between what the group has committed and the ends; all of a partition in which it has no commit. */
  readonly lag: number;
  /** Records ever written to the topic. */
  readonly end: number;
}

export interface LagWatch {
  /** All looks so far, oldest first. */
  readonly seen: readonly SeenLag[];
  stop(): Promise<void>;
}

/** Watches until it is stopped. A look that the broker refuses is left out. */
export const watchGroupLag = async (options: GroupLagOptions): Promise<LagWatch> => {
  const { brokers, groupId, topic, intervalMs = 100 } = options;
  patchRequestQueue();
  const admin = new Kafka({ clientId: 'onlooker', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const seen: SeenLag[] = [];
  const stopping = new AbortController();

  const look = async (): Promise<SeenLag> => {
    // Commits first: what is committed between the two reads makes the lag look larger, never smaller.
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const ends = await admin.fetchTopicOffsets(topic);
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    let lag = 0;
    let end = 0;
    for (const { partition, high, low } of ends) {
      const commit = committed.get(partition) ?? -1;
      lag += Number(high) - (commit < 0 ? Number(low) : commit);
      end += Number(high);
    }
    return { at: Date.now(), lag, end };
  };
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        seen.push(await look());
      } catch {
        // The broker is busy, or the topic is being made.
      }
      await pause(intervalMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const watching = watch();
  return {
    seen,
    stop: async () => {
      stopping.abort();
      await watching;
      await admin.disconnect();
    },
  };
};

/** A group without consumers that has read nothing of the topic and says so: its lag is all that comes. */
export const leaveGroupAtBeginning = async (
  options: Pick<GroupLagOptions, 'brokers' | 'groupId' | 'topic'>,
): Promise<void> => {
  const { brokers, groupId, topic } = options;
  patchRequestQueue();
  const admin = new Kafka({ clientId: 'onlooker', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    const partitions = ends.map(({ partition }) => ({ partition, offset: '0' }));
    await admin.setOffsets({ groupId, topic, partitions });
  } finally {
    await admin.disconnect();
  }
};
