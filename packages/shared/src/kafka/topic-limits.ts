// The limits of topics that decide how a batch is cut: `max.message.bytes` bounds a whole record batch, not a record.
// Read per topic and kept for at most a minute, so that a raised limit is noticed without a restart.
import { describeTopicConfigs } from './topic-configs.ts';
import type { KafkaWire } from './wire.ts';

/** Kafka's default of `max.message.bytes`: batches are cut by it where the setting cannot be read. */
export const defaultMaxBatchBytes = 1_048_588;

/** Reads limits; never rejects. */
export interface TopicLimits {
  /** The largest record batch that each topic takes, in bytes. */
  maxBatchBytes(topics: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /**
   * The same for one topic, read anew unless that happened within the last second: before a record is refused for its
   * size. Infinity when it cannot be read now: then only the broker may refuse the record.
   */
  rereadMaxBatchBytes(topic: string): Promise<number>;
}

const maxAgeMs = 60_000;
const rereadAgeMs = 1_000;

/** Creates the limits of the topics behind `wire`. `now` in milliseconds. */
export const createTopicLimits = (wire: Pick<KafkaWire, 'topicConfigs'>, now: () => number): TopicLimits => {
  const kept = new Map<string, { readonly bytes: number; readonly readAt: number; readonly isCertain: boolean }>();

  const bytesOf = (topic: string): number => kept.get(topic)?.bytes ?? defaultMaxBatchBytes;

  const read = async (topics: readonly string[]): Promise<void> => {
    // Not being allowed to read the setting must not keep records from being sent; the broker refuses what is too large.
    const configs = await describeTopicConfigs(wire, topics, ['max.message.bytes']).catch(() => null);
    const readAt = now();
    for (const topic of topics) {
      const bytes = Number(configs?.get(topic)?.['max.message.bytes'] ?? Number.NaN);
      kept.set(
        topic,
        bytes > 0 ? { bytes, readAt, isCertain: true } : { bytes: bytesOf(topic), readAt, isCertain: false },
      );
    }
  };

  const isOlder = (topic: string, ageMs: number): boolean => {
    const limit = kept.get(topic);
    return limit === undefined || now() - limit.readAt >= ageMs;
  };

  return {
    maxBatchBytes: async (topics) => {
      const wanted = [...topics];
      const missing = wanted.filter((topic) => isOlder(topic, maxAgeMs));
      if (missing.length > 0) await read(missing);
      return new Map(wanted.map((topic) => [topic, bytesOf(topic)]));
    },
    rereadMaxBatchBytes: async (topic) => {
      if (isOlder(topic, rereadAgeMs)) await read([topic]);
      return kept.get(topic)?.isCertain === true ? bytesOf(topic) : Number.POSITIVE_INFINITY;
    },
  };
};
