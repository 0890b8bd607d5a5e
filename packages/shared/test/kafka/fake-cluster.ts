// A cluster behind a fake wire, for what no real broker does on demand: it answers each batch as a script says, and
// remembers what it wrote. Batches are read with kafkajs' own decoder; numbered ones are kept once, as a broker does.
import { createRequire } from 'node:module';
import type { BrokerAddress } from '../../src/kafka/broker-links.ts';
import type { NumberedWire, PartitionBatch, ProduceAnswer } from '../../src/kafka/wire.ts';

interface DecodedBatch {
  readonly records: readonly {
    readonly headers: Readonly<Record<string, Buffer>>;
    readonly batchContext: { readonly producerId: string; readonly firstSequence: number };
  }[];
}

const require = createRequire(import.meta.url);
// kafkajs' decoders; they have no types.
const DecoderClass = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<DecodedBatch>;

/** A batch as it arrived. */
export interface ArrivedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
  /** Record ids, in order. */
  readonly ids: readonly string[];
  /** −1 = not numbered. */
  readonly producerId: number;
  readonly firstSequence: number;
}

/** How a batch is answered: written; refused with an error code; written and refused all the same;
 *  left out of the answer; never sent; the connection dies before or after it was written. */
export type Reply =
  | 'written'
  | number
  | { readonly appended: number }
  | 'no answer'
  | 'not sent'
  | 'cut before'
  | 'cut after';

/** What the cluster is like. */
export interface FakeClusterOptions {
  /** Partitions by topic; others do not exist. */
  readonly topics: Readonly<Record<string, number>>;
  /** Partition n is led by broker n modulo this. */
  readonly brokers: number;
  readonly maxMessageBytes: number;
  readonly reply: (batch: ArrivedBatch) => Reply | Promise<Reply>;
  /** Waited for before metadata are answered; a rejection is no answer. */
  readonly metadata?: () => Promise<void>;
}

/** A cluster, its wire, and what lies in it. */
export interface FakeCluster {
  readonly wire: NumberedWire;
  /** Record ids by `topic/partition`, in order. */
  readonly log: ReadonlyMap<string, readonly string[]>;
  /** Identities given out. */
  identities(): number;
}

const portOf = (node: number): number => 9_000 + node;
const outOfOrder = 45;

/** As many of a producer's last batches a broker knows again. */
const rememberedBatches = 5;

/** A failure of the network. */
const cut = (code: string): Error => Object.assign(new Error(`the connection was cut: ${code}`), { code });

/** Creates a cluster without records. */
export const createFakeCluster = (options: FakeClusterOptions): FakeCluster => {
  const log = new Map<string, string[]>();
  const producers = new Map<string, { readonly first: number; readonly next: number }[]>();
  const closing = new AbortController();
  let identities = 0;

  const readBatch = async ({ topic, partition, batch }: PartitionBatch): Promise<ArrivedBatch> => {
    const { records } = await decodeBatch(new DecoderClass(batch));
    return {
      topic,
      partition,
      bytes: batch.length,
      ids: records.map(({ headers }) => String(headers['record-id'])),
      producerId: Number(records[0]?.batchContext.producerId ?? -1),
      firstSequence: records[0]?.batchContext.firstSequence ?? 0,
    };
  };

  /** Appends as a broker would and returns the code of its answer. */
  const append = ({ topic, partition, ids, producerId, firstSequence }: ArrivedBatch): number => {
    const name = `${topic}/${partition}`;
    if (producerId >= 0) {
      const batches = producers.get(`${name}/${producerId}`) ?? [];
      const next = firstSequence + ids.length;
      if (batches.some((one) => one.first === firstSequence && one.next === next)) return 0;
      const last = batches.at(-1);
      if (last !== undefined && last.next !== firstSequence) return outOfOrder;
      producers.set(`${name}/${producerId}`, [...batches, { first: firstSequence, next }].slice(-rememberedBatches));
    }
    log.set(name, [...(log.get(name) ?? []), ...ids]);
    return 0;
  };

  const produce = async (
    address: BrokerAddress,
    batches: readonly PartitionBatch[],
    onHandedOver: () => void,
  ): Promise<ProduceAnswer> => {
    const answer: { readonly topic: string; readonly partition: number; readonly errorCode: number }[] = [];
    const arrived = await Promise.all(batches.map(readBatch));
    const replies = await Promise.all(arrived.map(async (batch) => options.reply(batch)));
    if (replies.includes('not sent')) throw cut('ECONNREFUSED');
    onHandedOver();
    for (const [at, batch] of arrived.entries()) {
      if (portOf(batch.partition % options.brokers) !== address.port)
        throw new Error('sent to a broker that does not lead');
      const { topic, partition } = batch;
      const reply = replies[at] ?? 'written';
      if (typeof reply === 'number') answer.push({ topic, partition, errorCode: reply });
      else if (reply !== 'cut before') {
        const code = append(batch);
        if (reply === 'written') answer.push({ topic, partition, errorCode: code });
        if (typeof reply === 'object') answer.push({ topic, partition, errorCode: code || reply.appended });
      }
    }
    if (replies.includes('cut before') || replies.includes('cut after')) throw cut('ECONNRESET');
    return answer;
  };

  const unasked = async (): Promise<never> => {
    throw new Error('no producer asks this');
  };

  return {
    log,
    identities: () => identities,
    wire: {
      metadata: async () => {
        await options.metadata?.();
        return {
          controllerId: 0,
          brokers: Array.from({ length: options.brokers }, (_, nodeId) => ({
            nodeId,
            host: 'fake',
            port: portOf(nodeId),
          })),
          topics: Object.entries(options.topics).map(([topic, partitions]) => ({
            topic,
            errorCode: 0,
            partitions: Array.from({ length: partitions }, (_, partition) => ({
              partition,
              errorCode: 0,
              leader: partition % options.brokers,
              replicas: 1,
            })),
          })),
        };
      },
      topicConfigs: async () =>
        Object.keys(options.topics).map((topic) => ({
          topic,
          errorCode: 0,
          entries: [{ name: 'max.message.bytes', value: String(options.maxMessageBytes), isSensitive: false }],
        })),
      produce: (leader, batches, _timeoutMs, onHandedOver = () => {}) => produce(leader, batches, onHandedOver),
      newIdentity: async () => ({ producerId: BigInt(++identities), epoch: 0 }),
      coordinator: unasked,
      listOffsets: unasked,
      committedOffsets: unasked,
      createTopics: unasked,
      listGroups: unasked,
      learn: () => {},
      isReachable: () => true,
      closing: closing.signal,
      close: async () => closing.abort(),
    },
  };
};
