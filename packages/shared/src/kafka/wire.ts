// What a client library has to do for an adapter: carry these requests to a broker and bring back every topic's and
// partition's own answer, error codes included. Everything above it (metadata, limits, admin, both producers) is the
// same for all clients. Calls reject only when no answer came; what a broker refuses stands in the answer.
import type { BrokerAddress } from './broker-links.ts';
import type { TopicDefinition } from './port.ts';

/** Topics and their leaders. A partition without a leader names a broker that is not in the list. */
export interface MetadataAnswer {
  readonly brokers: readonly (BrokerAddress & { readonly nodeId: number })[];
  readonly controllerId: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly errorCode: number;
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly leader: number;
      readonly replicas: number;
    }[];
  }[];
}

/** Settings of topics. */
export type ConfigsAnswer = readonly {
  readonly topic: string;
  readonly errorCode: number;
  readonly entries: readonly { readonly name: string; readonly value: string | null; readonly isSensitive: boolean }[];
}[];

/** Offsets of partitions; negative = none. */
export type OffsetsAnswer = readonly {
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: bigint;
}[];

/** Kafka's code for each batch of a produce request, 0 = written. A batch that is not mentioned was not answered. */
export type ProduceAnswer = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}[];

/** A record batch and where it goes. At most one per topic and partition in a request. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/** The requests that the port is made of. */
export interface KafkaWire {
  /** Asks any broker; no names = all topics. Never makes a topic. */
  metadata(topics: readonly string[]): Promise<MetadataAnswer>;
  /** Asks any broker; no names = all settings. */
  topicConfigs(topics: readonly string[], names: readonly string[]): Promise<ConfigsAnswer>;
  /** Asks any broker for the one that keeps a group's offsets. */
  coordinator(group: string): Promise<{ readonly errorCode: number; readonly address: BrokerAddress }>;
  /** End or beginning of partitions, as consumers see them that read committed records only. */
  listOffsets(
    leader: BrokerAddress,
    topic: string,
    partitions: readonly number[],
    which: 'earliest' | 'latest',
  ): Promise<OffsetsAnswer>;
  /** What a group committed on partitions of topics. */
  committedOffsets(
    coordinator: BrokerAddress,
    group: string,
    topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  ): Promise<{
    readonly errorCode: number;
    readonly topics: readonly { readonly topic: string; readonly partitions: OffsetsAnswer }[];
  }>;
  createTopics(
    controller: BrokerAddress,
    definitions: readonly TopicDefinition[],
    timeoutMs: number,
  ): Promise<readonly { readonly topic: string; readonly errorCode: number; readonly reason: string | null }[]>;
  /** Groups of which this broker is the coordinator. */
  listGroups(broker: BrokerAddress): Promise<{
    readonly errorCode: number;
    readonly groups: readonly { readonly group: string; readonly protocolType: string }[];
  }>;
  /**
   * Waits for all in-sync replicas, for `timeoutMs` at most. `onHandedOver` is called when the request is given to an open
   * connection: a rejection without that call means that nothing can have been written.
   */
  produce(
    leader: BrokerAddress,
    batches: readonly PartitionBatch[],
    timeoutMs: number,
    onHandedOver?: () => void,
  ): Promise<ProduceAnswer>;
  /** Names the brokers that the cluster has now. */
  learn(addresses: readonly BrokerAddress[]): void;
  /** Whether the last exchange went well; null before the first. */
  isReachable(): boolean | null;
  /** Aborts when the wire closes. */
  readonly closing: AbortSignal;
  /** Waits for answers that are due, then closes. Safe to call again. */
  close(): Promise<void>;
}

/** Under which the broker knows a producer and drops batches that it has written already. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** A wire whose client can number its batches. */
export interface NumberedWire extends KafkaWire {
  /** A fresh identity, from any broker. Rejects with the broker's error too. */
  newIdentity(): Promise<ProducerIdentity>;
}
