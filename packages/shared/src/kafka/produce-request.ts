// A Produce request (version 7, Kafka 2.1 and newer) with ready-made record batches, and its answer partition by
// partition. kafkajs' own request hides every partition's answer behind the first error.
import { type KafkajsProduceAnswer, kafkajs, type Protocol, withoutThrowing } from './kafkajs-internals.ts';
import type { PartitionBatch, ProduceAnswer } from './wire.ts';

const acksAll = -1;
const produceKey = 0;
const produceVersion = 7;

const int16 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const encode = (batches: readonly PartitionBatch[], timeoutMs: number): Buffer => {
  const byTopic = Map.groupBy(batches, ({ topic }) => topic);
  const pieces = [int16(-1), int16(acksAll), int32(timeoutMs), int32(byTopic.size)];
  for (const [topic, partitions] of byTopic) {
    const name = Buffer.from(topic, 'utf8');
    pieces.push(int16(name.length), name, int32(partitions.length));
    for (const { partition, batch } of partitions) pieces.push(int32(partition), int32(batch.length), batch);
  }
  return Buffer.concat(pieces);
};

/** The request for kafkajs' connection. The broker waits for all in-sync replicas, for `timeoutMs` at most. */
export const produceRequest = (batches: readonly PartitionBatch[], timeoutMs: number): Protocol<KafkajsProduceAnswer> =>
  withoutThrowing({
    request: {
      apiKey: produceKey,
      apiVersion: produceVersion,
      apiName: 'Produce',
      encode: async () => {
        const bytes = encode(batches, timeoutMs);
        return { buf: bytes, buffer: bytes };
      },
    },
    response: kafkajs.produceResponse,
  });

/** Kafka's error code for a batch of the request, 0 = written, or null when the answer says nothing about it. */
export const answerFor = (answer: ProduceAnswer, topic: string, partition: number): number | null => {
  const entry = answer.find((one) => one.topic === topic && one.partition === partition);
  return entry?.errorCode ?? null;
};
