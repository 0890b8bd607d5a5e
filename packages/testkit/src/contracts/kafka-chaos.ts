// The chaos test of the Kafka port: six senders publish at the same time while the broker is frozen five times, with request
// timeouts far below a freeze, so that many an answer never comes. What was acknowledged is compared with the log.
import { randomUUID } from 'node:crypto';
import type { KafkaPort } from '@stream-manager/shared/kafka/port';
import { readTopics } from '../accounting/read-topics.ts';
import type { KafkaBroker } from '../stack/kafka-broker.ts';
import { waitUntil } from '../wait-until.ts';
import { outgoingRecord } from './kafka-port.ts';

/** What to do to the broker, and how much to send meanwhile. */
export interface ChaosOptions {
  /** A broker that nobody else needs. */
  readonly broker: KafkaBroker;
  readonly port: KafkaPort;
  /** Default 6. */
  readonly senders?: number;
  /** Default 5. */
  readonly freezes?: number;
  /**
   * Records that each sender has acknowledged before a freeze begins and after the last one ended. Default 60, in
   * publishes of one to five.
   */
  readonly recordsBetween?: number;
}

/** What came of it, in records. */
export interface ChaosResult {
  readonly acknowledged: number;
  /** Reported by the port; the test does not send them again. */
  readonly failed: number;
  /** Acknowledged and not in the log. */
  readonly missing: readonly string[];
  /** More than once in the log. */
  readonly doubled: readonly string[];
  readonly failedButStored: number;
}

/** Freezes the broker until its producer has noticed it: until each sender's publish failed, or the port told of trouble. */
export const runKafkaChaos = async (options: ChaosOptions): Promise<ChaosResult> => {
  const { broker, port, senders = 6, freezes = 5, recordsBetween = 60 } = options;
  const topic = `chaos-${randomUUID()}`;
  const admin = port.createAdmin();
  // The records of these tests are older than a topic keeps them by default.
  const config = { 'retention.ms': '-1' };
  await admin.createTopics([{ topic, partitions: 4, replicationFactor: -1, config }]);
  await admin.close();

  let troubles = 0;
  const producer = port.createProducer({
    onTrouble: () => {
      troubles++;
    },
  });
  const acknowledged = new Set<string>();
  const failed = new Set<string>();
  const acknowledgedBy = Array.from({ length: senders }, () => 0);
  const failuresOf = Array.from({ length: senders }, () => 0);
  const over = new AbortController();

  const send = async (sender: number): Promise<void> => {
    for (let n = 0; !over.signal.aborted; ) {
      const records = Array.from({ length: 1 + (n % 5) }, () => {
        const recordId = `${sender}-${n++}`;
        return outgoingRecord(topic, n, { recordId, key: Buffer.from(`key-${n % 23}`) });
      });
      const { failures } = await producer.publish(records);
      const indexes = new Set(failures.flatMap((failure) => failure.indexes));
      for (const [index, { recordId }] of records.entries()) (indexes.has(index) ? failed : acknowledged).add(recordId);
      acknowledgedBy[sender] = (acknowledgedBy[sender] ?? 0) + records.length - indexes.size;
      if (indexes.size > 0) failuresOf[sender] = (failuresOf[sender] ?? 0) + 1;
    }
  };

  const everyoneSent = async (): Promise<void> => {
    const before = [...acknowledgedBy];
    await waitUntil(
      'every sender has records acknowledged',
      () => before.every((count, sender) => (acknowledgedBy[sender] ?? 0) >= count + recordsBetween),
      { timeoutMs: 60_000 },
    );
  };

  const sending = Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
  try {
    for (let freeze = 0; freeze < freezes; freeze++) {
      await everyoneSent();
      // The first one lasts: the same batch is tried again and again.
      const rounds = freeze === 0 ? 3 : 1;
      const [troublesBefore, failuresBefore] = [troubles, [...failuresOf]];
      await broker.kill('SIGSTOP');
      try {
        await waitUntil(
          'the frozen broker is noticed',
          () =>
            troubles >= troublesBefore + rounds ||
            failuresBefore.every((count, sender) => (failuresOf[sender] ?? 0) >= count + rounds),
          { timeoutMs: 60_000 },
        );
      } finally {
        await broker.kill('SIGCONT');
      }
    }
    await everyoneSent();
  } finally {
    over.abort();
    await sending;
    await producer.close();
  }

  const counts = new Map<string, number>();
  for (const { headers } of await readTopics({ brokers: broker.brokers, topics: [topic] })) {
    const id = headers['record-id'] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return {
    acknowledged: acknowledged.size,
    failed: failed.size,
    missing: [...acknowledged].filter((id) => !counts.has(id)),
    doubled: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    failedButStored: [...failed].filter((id) => counts.has(id)).length,
  };
};
