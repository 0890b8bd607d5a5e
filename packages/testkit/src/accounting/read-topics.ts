// Reads whole topics from a real Kafka, up to where they end when the reading begins: what is stored, for comparison
// with what was served. Leaves nothing behind: a group of its own, no commits.
import { randomUUID } from 'node:crypto';
import { patchRequestQueue } from '@stream-manager/shared/kafka/request-queue-patch';
import { type Admin, type Consumer, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { waitUntil } from '../wait-until.ts';
import type { StoredRecord } from './stored-record.ts';

/** A place in a partition: the offset of the next record to be written there, or of the first to be read. */
export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface ReadTopicsOptions {
  readonly brokers: readonly string[];
  /** Topics that do not exist count as empty. */
  readonly topics: readonly string[];
  /** Where to begin, for example what `endOffsets` gave earlier. Default, and for partitions not named: the beginning. */
  readonly from?: readonly PartitionOffset[];
  /** How long to wait for the records in all. Default 60000. */
  readonly timeoutMs?: number;
}

/** The end of every partition of the topics now; topics that do not exist have none. */
export const endOffsets = async (
  options: Pick<ReadTopicsOptions, 'brokers' | 'topics'>,
): Promise<readonly PartitionOffset[]> => {
  const spans = await readSpans(clientOf(options.brokers), options.topics);
  return spans.map(({ topic, partition, high }) => ({ topic, partition, offset: high }));
};

/**
 * All records from the beginning (or `from`) to the ends at the time of the call, by topic, partition and offset.
 * Throws an Error that names the unread partitions when `timeoutMs` is over, and what the client throws when it crashes.
 */
export const readTopics = async (options: ReadTopicsOptions): Promise<StoredRecord[]> => {
  const kafka = clientOf(options.brokers);
  const spans = await readSpans(kafka, options.topics);
  const wanted = spans
    .map((span) => ({ ...span, low: Math.max(span.low, startOf(span, options.from)) }))
    .filter((span) => span.low < span.high);
  if (wanted.length === 0) return [];
  const records = await consume(kafka, wanted, options.timeoutMs ?? 60_000);
  return records.sort(
    (one, other) =>
      (one.topic === other.topic ? 0 : one.topic < other.topic ? -1 : 1) ||
      one.partition - other.partition ||
      one.offset - other.offset,
  );
};

interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

const clientOf = (brokers: readonly string[]): Kafka => {
  patchRequestQueue();
  return new Kafka({ clientId: 'stream-manager-accounting', brokers: [...brokers], logLevel: logLevel.NOTHING });
};

const withAdmin = async <T>(kafka: Kafka, act: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

/** kafkajs gives up on a partition whose leader is just being chosen, as on a topic made this instant: asked again. */
const readSpans = (kafka: Kafka, topics: readonly string[]): Promise<readonly Span[]> =>
  waitUntil('the offsets of the topics', () => withAdmin(kafka, (admin) => spansOf(admin, topics)), {
    timeoutMs: 20_000,
    intervalMs: 100,
  });

const spansOf = async (admin: Admin, topics: readonly string[]): Promise<readonly Span[]> => {
  const existing = new Set(await admin.listTopics());
  const found = [...new Set(topics)].filter((topic) => existing.has(topic));
  const offsets = await Promise.all(
    found.map(async (topic) => (await admin.fetchTopicOffsets(topic)).map((partition) => ({ topic, ...partition }))),
  );
  return offsets
    .flat()
    .map(({ topic, partition, low, high }) => ({ topic, partition, low: Number(low), high: Number(high) }));
};

const startOf = (span: Span, from: readonly PartitionOffset[] = []): number =>
  from.find((place) => place.topic === span.topic && place.partition === span.partition)?.offset ?? span.low;

const nameOf = (place: { topic: string; partition: number }): string => `${place.topic}[${place.partition}]`;

const consume = async (kafka: Kafka, spans: readonly Span[], timeoutMs: number): Promise<StoredRecord[]> => {
  const groupId = `stream-manager-accounting-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 8_388_608,
    maxBytes: 67_108_864,
  });
  const records: StoredRecord[] = [];
  const unread = new Map(spans.map((span) => [nameOf(span), span]));
  await consumer.connect();
  try {
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => {
        reject(new Error(`read for ${timeoutMs} ms and did not reach the end of ${[...unread.keys()].join(', ')}`));
      }, timeoutMs);
      const settle = (act: () => void) => {
        clearTimeout(deadline);
        act();
      };
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        // A crash that kafkajs restarts from by itself (a coordinator that is still loading) is no failure.
        if (!payload.restart) settle(() => reject(payload.error));
      });
      // This event also tells of batches that hold nothing but control records, which never reach `eachBatch`.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        const span = unread.get(nameOf(payload));
        if (span && Number(payload.lastOffset) + 1 >= span.high) unread.delete(nameOf(payload));
        if (unread.size === 0) settle(resolve);
      });
      run(consumer, spans, records).catch((error: unknown) => settle(() => reject(error)));
    });
  } finally {
    await consumer.disconnect();
    // Else the empty group stands in every list of groups until the broker's next cleaning, ten minutes later.
    // It holds nothing: that it could not be deleted is no reason to lose what was read.
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch(() => {});
  }
  return records;
};

const run = async (consumer: Consumer, spans: readonly Span[], records: StoredRecord[]): Promise<void> => {
  const bounds = new Map(spans.map((span) => [nameOf(span), span]));
  // Not after `run`: while a coordinator still loads, that returns before there is a group to seek in.
  const removeListener = consumer.on(consumer.events.GROUP_JOIN, () => {
    removeListener();
    for (const { topic, partition, low } of spans) consumer.seek({ topic, partition, offset: String(low) });
  });
  await consumer.subscribe({ topics: [...new Set(spans.map((span) => span.topic))], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const span = bounds.get(nameOf(batch));
      if (!span) return;
      for (const message of batch.messages) {
        const offset = Number(message.offset);
        if (offset >= span.low && offset < span.high) records.push(storedRecord(batch.topic, batch.partition, message));
      }
    },
  });
};

const storedRecord = (topic: string, partition: number, message: KafkaMessage): StoredRecord => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = last.toString();
  }
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key === null ? null : message.key.toString(),
    headers,
    timestamp: Number(message.timestamp),
    value: parse(message.value),
  };
};

const parse = (value: Buffer | null): unknown => {
  try {
    return value === null ? undefined : JSON.parse(value.toString());
  } catch {
    // Not JSON is a finding of the comparison, not a failure of the reading.
    return undefined;
  }
};
