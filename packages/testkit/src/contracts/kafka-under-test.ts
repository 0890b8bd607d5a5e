// What a contract suite needs of a Kafka beside the port: the things that consumers and operators do to it.
import type { KafkaPort } from '@stream-manager/shared/kafka/port';
import type { StoredRecord } from '../accounting/stored-record.ts';

/** A Kafka with a port to it, and what happens to it from outside. */
export interface KafkaUnderTest {
  readonly port: KafkaPort;
  /** A port to a cluster of which no broker listens. */
  readonly unreachablePort: KafkaPort;
  /** Everything in a topic, by partition and offset. */
  readTopic(topic: string): Promise<readonly StoredRecord[]>;
  /** Commits offsets of a group without members, by partition. */
  commit(group: string, topic: string, offsets: Readonly<Record<number, number>>): Promise<void>;
  /** Deletes the records of a partition before an offset, as retention does. */
  deleteRecords(topic: string, partition: number, before: number): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  close(): Promise<void>;
}
