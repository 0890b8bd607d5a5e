// The Kafka client alone: the same records (keys, values, headers, timestamps) that the system stored, sent again by
// stock kafkajs in batches of the same size, acknowledged by all replicas. What is left to compare is the system's cost.

import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { type Message } from 'kafkajs';

// kafkajs is CommonJS: not all of its names can be imported by name.
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

const batchSize = 500;
/** Requests under way at a time; more gained nothing. */
const inFlight = 4;

const types = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, zstd: CompressionTypes.ZSTD } as const;

/** Sends all records to one topic; gives the seconds it took. */
export const sendAlone = async (
  brokers: readonly string[],
  topic: string,
  records: readonly Message[],
  compression: keyof typeof types,
): Promise<number> => {
  const [compress, decompress] = [promisify(zstdCompress), promisify(zstdDecompress)];
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { buffer: Buffer }) => compress(encoder.buffer),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
  const kafka = new Kafka({ clientId: 'bench-alone', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const batches: Message[][] = [];
  for (let from = 0; from < records.length; from += batchSize) batches.push(records.slice(from, from + batchSize));
  const started = performance.now();
  const queue = batches.values();
  const lane = async (): Promise<void> => {
    for (const messages of queue) await producer.send({ topic, messages, acks: -1, compression: types[compression] });
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - started) / 1000;
  await producer.disconnect();
  return seconds;
};
