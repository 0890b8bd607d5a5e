// A cluster behind fake links, for what no real broker does on demand: it answers each batch as a script says, and
// remembers what it wrote. Reads requests with kafkajs' own decoders.
import { createRequire } from 'node:module';
import type { BrokerAddress, BrokerLinks } from '../../src/kafka/broker-links.ts';
import { kafkajs, type Protocol } from '../../src/kafka/kafkajs-internals.ts';

interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readString(): string | null;
  readBytes(): Buffer;
  readArray<Item>(read: (decoder: Decoder) => Item): Item[];
}

const require = createRequire(import.meta.url);
// kafkajs' decoders; they have no types.
const DecoderClass = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: Decoder) => Promise<{
  readonly records: readonly { readonly headers: Readonly<Record<string, Buffer>> }[];
}>;

/** A batch as it arrived. */
export interface ArrivedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
  /** Record ids, in order. */
  readonly ids: readonly string[];
}

/** How a batch is answered: written; refused with an error code; written and refused all the same;
 *  left out of the answer; the connection dies before or after it was written. */
export type Reply = 'written' | number | { readonly appended: number } | 'no answer' | 'cut before' | 'cut after';

/** What the cluster is like. */
export interface FakeClusterOptions {
  /** Partitions by topic; others do not exist. */
  readonly topics: Readonly<Record<string, number>>;
  /** Partition n is led by broker n modulo this. */
  readonly brokers: number;
  readonly maxMessageBytes: number;
  readonly reply: (batch: ArrivedBatch) => Reply;
}

/** A cluster, its links, and what lies in it. */
export interface FakeCluster {
  readonly links: BrokerLinks;
  /** Record ids by `topic/partition`, in order. */
  readonly log: ReadonlyMap<string, readonly string[]>;
}

const portOf = (node: number): number => 9_000 + node;

/** Creates a cluster without records. */
export const createFakeCluster = (options: FakeClusterOptions): FakeCluster => {
  const log = new Map<string, string[]>();
  const closing = new AbortController();

  const readBatches = async (protocol: Protocol<unknown>): Promise<readonly ArrivedBatch[]> => {
    const decoder = new DecoderClass((await protocol.request.encode()).buffer);
    decoder.readString();
    decoder.readInt16();
    decoder.readInt32();
    const topics = decoder.readArray((ofTopic) => ({
      topic: ofTopic.readString() ?? '',
      partitions: ofTopic.readArray((one) => ({ partition: one.readInt32(), batch: one.readBytes() })),
    }));
    return Promise.all(
      topics.flatMap(({ topic, partitions }) =>
        partitions.map(async ({ partition, batch }) => ({
          topic,
          partition,
          bytes: batch.length,
          ids: (await decodeBatch(new DecoderClass(batch))).records.map(({ headers }) => String(headers['record-id'])),
        })),
      ),
    );
  };

  const write = ({ topic, partition, ids }: ArrivedBatch): void => {
    const name = `${topic}/${partition}`;
    log.set(name, [...(log.get(name) ?? []), ...ids]);
  };

  const produce = async (address: BrokerAddress, protocol: Protocol<unknown>): Promise<unknown> => {
    const answers: { readonly topicName: string; readonly partition: number; readonly errorCode: number }[] = [];
    let isCut = false;
    for (const batch of await readBatches(protocol)) {
      if (portOf(batch.partition % options.brokers) !== address.port)
        throw new Error('sent to a broker that does not lead');
      const reply = options.reply(batch);
      if (typeof reply === 'object' || reply === 'written' || reply === 'no answer' || reply === 'cut after')
        write(batch);
      if (reply === 'cut before' || reply === 'cut after') isCut = true;
      if (reply === 'written') answers.push({ topicName: batch.topic, partition: batch.partition, errorCode: 0 });
      if (typeof reply === 'number')
        answers.push({ topicName: batch.topic, partition: batch.partition, errorCode: reply });
      if (typeof reply === 'object')
        answers.push({ topicName: batch.topic, partition: batch.partition, errorCode: reply.appended });
    }
    if (isCut) throw new kafkajs.errors.KafkaJSConnectionError('cut', { broker: `${address.host}:${address.port}` });
    const byTopic = Map.groupBy(answers, ({ topicName }) => topicName);
    return { topics: [...byTopic].map(([topicName, partitions]) => ({ topicName, partitions })) };
  };

  const metadata = (): unknown => ({
    controllerId: 0,
    brokers: Array.from({ length: options.brokers }, (_, nodeId) => ({ nodeId, host: 'fake', port: portOf(nodeId) })),
    topicMetadata: Object.entries(options.topics).map(([topic, partitions]) => ({
      topic,
      topicErrorCode: 0,
      partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
        partitionId,
        partitionErrorCode: 0,
        leader: partitionId % options.brokers,
        replicas: [0],
      })),
    })),
  });

  const configs = (): unknown => ({
    resources: Object.keys(options.topics).map((resourceName) => ({
      resourceName,
      errorCode: 0,
      errorMessage: null,
      configEntries: [
        { configName: 'max.message.bytes', configValue: String(options.maxMessageBytes), isSensitive: false },
      ],
    })),
  });

  return {
    log,
    links: {
      // The answers are what the requests under test expect; their type is lost behind the one method for all of them.
      send: async <Answer>(address: BrokerAddress, protocol: Protocol<Answer>) =>
        (await produce(address, protocol)) as Answer,
      sendToAny: async <Answer>(protocol: Protocol<Answer>) =>
        (protocol.request.apiName === 'Metadata' ? metadata() : configs()) as Answer,
      learn: () => {},
      isReachable: () => true,
      closing: closing.signal,
      close: async () => closing.abort(),
    },
  };
};
