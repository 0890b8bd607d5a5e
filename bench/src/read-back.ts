// Reads records back from Kafka as raw messages, to send the same bytes again and to count them exactly.

import { randomUUID } from 'node:crypto';
import { type IHeaders, Kafka, logLevel, type Message } from 'kafkajs';

/** Reads exactly `count` records from the beginning of the topics; rejects if they do not come within a minute. */
export const readBack = async (
  brokers: readonly string[],
  topics: readonly string[],
  count: number,
): Promise<Message[]> => {
  const kafka = new Kafka({ clientId: 'bench-read', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: `bench-${randomUUID()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
  });
  const messages: Message[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${messages.length} of ${count} records could be read back`)),
      60_000,
    );
    const run = consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { key, value, timestamp, headers } of batch.messages)
          messages.push({ key, value, timestamp, headers: textHeaders(headers) });
        if (messages.length >= count) {
          clearTimeout(timer);
          resolve();
        }
      },
    });
    run.catch(reject);
  });
  await consumer.disconnect();
  return messages;
};

const textHeaders = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
