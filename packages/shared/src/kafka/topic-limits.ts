// What topics take: how large a record batch (`max.message.bytes` bounds a whole batch, not a record) and which timestamps.
// Both are read together, per topic, and kept for at most a minute, so that a change is noticed without a restart.
import type { TimestampBounds } from './port.ts';
import { describeTopicConfigs } from './topic-configs.ts';
import type { KafkaWire } from './wire.ts';

/** Kafka's default of `max.message.bytes`: batches are cut by it where the setting cannot be read. */
export const defaultMaxBatchBytes = 1_048_588;

/** Any time is taken. */
export const unboundedTimestamps: TimestampBounds = {
  beforeMaxMs: Number.POSITIVE_INFINITY,
  afterMaxMs: Number.POSITIVE_INFINITY,
};

/** Reads limits; never rejects. */
export interface TopicLimits {
  /** The largest record batch that each topic takes, in bytes. */
  maxBatchBytes(topics: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /**
   * The same for one topic, read anew unless that happened within the last second: before a record is refused for its
   * size. Infinity when it cannot be read now: then only the broker may refuse the record.
   */
  rereadMaxBatchBytes(topic: string): Promise<number>;
  /** Which timestamps each topic takes; all where that was never readable. */
  timestampBounds(topics: Iterable<string>): Promise<ReadonlyMap<string, TimestampBounds>>;
  /** The next call reads this topic again: it refused what it should take. */
  forget(topic: string): void;
}

const maxAgeMs = 60_000;
const rereadAgeMs = 1_000;

/** Brokers before Kafka 3.6 have one bound for both directions. */
const settings = [
  'max.message.bytes',
  'message.timestamp.type',
  'message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms',
  'message.timestamp.difference.max.ms',
];

type Settings = Readonly<Record<string, string>>;

/** Kafka's way of saying "no bound" is the largest integer of 64 bits. */
const boundOf = (own: string | undefined, ofBoth: string | undefined): number => {
  const bound = Number(own ?? ofBoth ?? Number.NaN);
  return bound >= 0 && bound <= Number.MAX_SAFE_INTEGER ? bound : Number.POSITIVE_INFINITY;
};

const boundsOf = (config: Settings): TimestampBounds => {
  const {
    'message.timestamp.type': type,
    'message.timestamp.before.max.ms': before,
    'message.timestamp.after.max.ms': after,
    'message.timestamp.difference.max.ms': difference,
  } = config;
  // The broker stamps the records itself and does not look at ours.
  if (type === 'LogAppendTime') return unboundedTimestamps;
  return { beforeMaxMs: boundOf(before, difference), afterMaxMs: boundOf(after, difference) };
};

interface Kept {
  readonly bytes: number;
  readonly bounds: TimestampBounds;
  readonly readAt: number;
  /** Whether the last read gave them; else they are older ones, or defaults. */
  readonly isCertain: boolean;
}

const neverRead: Kept = {
  bytes: defaultMaxBatchBytes,
  bounds: unboundedTimestamps,
  readAt: Number.NEGATIVE_INFINITY,
  isCertain: false,
};

/** Creates the limits of the topics behind `wire`. `now` in milliseconds. */
export const createTopicLimits = (wire: Pick<KafkaWire, 'topicConfigs'>, now: () => number): TopicLimits => {
  const kept = new Map<string, Kept>();

  const keptOf = (topic: string): Kept => kept.get(topic) ?? neverRead;

  const read = async (topics: readonly string[]): Promise<void> => {
    // Not being allowed to read the settings must not keep records from being sent; the broker refuses what it does not take.
    const configs = await describeTopicConfigs(wire, topics, settings).catch(() => null);
    const readAt = now();
    for (const topic of topics) {
      const config = configs?.get(topic);
      const bytes = Number(config?.['max.message.bytes'] ?? Number.NaN);
      kept.set(
        topic,
        config !== undefined && bytes > 0
          ? { bytes, bounds: boundsOf(config), readAt, isCertain: true }
          : { ...keptOf(topic), readAt, isCertain: false },
      );
    }
  };

  const isOlder = (topic: string, ageMs: number): boolean => now() - keptOf(topic).readAt >= ageMs;

  const limitsOf = async <Limit>(
    topics: Iterable<string>,
    limitOf: (limits: Kept) => Limit,
  ): Promise<ReadonlyMap<string, Limit>> => {
    const wanted = [...topics];
    const missing = wanted.filter((topic) => isOlder(topic, maxAgeMs));
    if (missing.length > 0) await read(missing);
    return new Map(wanted.map((topic) => [topic, limitOf(keptOf(topic))]));
  };

  return {
    maxBatchBytes: (topics) => limitsOf(topics, ({ bytes }) => bytes),
    rereadMaxBatchBytes: async (topic) => {
      if (isOlder(topic, rereadAgeMs)) await read([topic]);
      const { bytes, isCertain } = keptOf(topic);
      return isCertain ? bytes : Number.POSITIVE_INFINITY;
    },
    timestampBounds: (topics) => limitsOf(topics, ({ bounds }) => bounds),
    forget: (topic) => {
      const known = kept.get(topic);
      if (known !== undefined) kept.set(topic, { ...known, readAt: Number.NEGATIVE_INFINITY });
    },
  };
};
