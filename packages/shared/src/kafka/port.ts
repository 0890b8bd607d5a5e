// What we ask of Kafka, in our own words. Two adapters stand behind it (kafkajs, platformatic) and pass the same
// contract suite (packages/testkit/src/contracts). Nothing else in the system knows a Kafka client.

/** A record on its way to Kafka. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
  /** Event time in milliseconds since the epoch: the Kafka timestamp. */
  readonly timestampMs: number;
  /** Header `record-id`. */
  readonly recordId: string;
  /** Header `source-id`. */
  readonly sourceId: string;
  /** Header `revision`, on a correction only. */
  readonly revision?: string;
}

/** Records that were not acknowledged, by their index in what was published, and the client's error. */
export interface PublishFailure {
  readonly indexes: readonly number[];
  readonly error: unknown;
}

/** Every record that stands in no failure was acknowledged by all in-sync replicas. */
export interface PublishResult {
  readonly failures: readonly PublishFailure[];
}

/** How a publish may end early. */
export interface PublishOptions {
  /**
   * Aborting calls the publish off: records that were not handed over to a broker are never sent from then on, and fail as
   * `stopped` (an outage), at the latest when the exchange that they wait behind has ended. Those that were handed over
   * are answered as they end, however long that takes.
   */
  readonly signal?: AbortSignal;
}

/** Which timestamps a topic takes, in milliseconds before and after the broker's clock; Infinity = any. */
export interface TimestampBounds {
  readonly beforeMaxMs: number;
  readonly afterMaxMs: number;
}

/** Publishes batches. One instance serves a whole process; calls may overlap. */
export interface KafkaProducerPort {
  /**
   * Never rejects for what Kafka answers: that is in the result. `schema-version` is added to every record's headers.
   * With the platformatic adapter a publish that may have been written without an answer stays open until it is answered
   * or the producer is closed (`KafkaProducerOptions.onTrouble` tells meanwhile).
   */
  publish(records: readonly OutgoingRecord[], options?: PublishOptions): Promise<PublishResult>;
  /**
   * The bounds of each topic asked for: `message.timestamp.before.max.ms` and `…after.max.ms`. Any time where the broker
   * stamps records itself, and where the settings were never readable. Read with the other limits of a topic at most 60 s
   * ago, and anew after a record was refused for its timestamp. Never rejects.
   */
  timestampBounds(topics: Iterable<string>): Promise<ReadonlyMap<string, TimestampBounds>>;
  /** Whether the last exchange with the cluster went well; null before the first. */
  isReachable(): boolean | null;
  close(): Promise<void>;
}

/** Low and high watermark of one partition; high = offset of the next record. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
}

/** Committed offset of a group on one partition; null = never committed. */
export interface CommittedOffset {
  readonly partition: number;
  readonly offset: bigint | null;
}

/** How a topic is to be made. `replicationFactor` −1 = the broker's default. */
export interface TopicDefinition {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/** A topic as it is. */
export interface TopicDescription {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Reads and makes things on the cluster. Calls reject with the client's error. */
export interface KafkaAdminPort {
  listTopics(): Promise<readonly string[]>;
  /** Topics that do not exist are absent from the answer. */
  describeTopics(topics: readonly string[]): Promise<readonly TopicDescription[]>;
  /** Makes topics; true for those made, false for those that were there. */
  createTopics(definitions: readonly TopicDefinition[]): Promise<ReadonlyMap<string, boolean>>;
  /** Null for a topic that does not exist. */
  endOffsets(topic: string): Promise<readonly PartitionOffsets[] | null>;
  listGroups(): Promise<readonly string[]>;
  /** Committed offsets of one group, by topic. */
  committedOffsets(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, readonly CommittedOffset[]>>;
  close(): Promise<void>;
}

/** What a producer tells besides its results. */
export interface KafkaProducerOptions {
  /**
   * Called while a publish goes on although an exchange with the cluster failed for an outage, at most about every 2 s:
   * the adapter keeps sending the same batch because its outcome is not known, and only a repeat under the same sequence
   * number cannot double it. That publish may take as long as the outage lasts. `sourceIds`: whose records are in the
   * batches that are being kept up now, each once. Never called by kafkajs, whose publish gives up by itself within about
   * twice its request timeout. Must not throw.
   */
  readonly onTrouble?: (error: unknown, sourceIds: readonly string[]) => void;
}

/** Both halves, made from one config. */
export interface KafkaPort {
  createProducer(options?: KafkaProducerOptions): KafkaProducerPort;
  createAdmin(): KafkaAdminPort;
}
