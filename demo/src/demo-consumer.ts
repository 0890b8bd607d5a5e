// The demo's consumer: group `wildfire-consumers` reads what the demo publishes, so that there is a real consumer lag to
// see. It commits every second and does nothing else with the records.
import { patchRequestQueue } from '@stream-manager/shared/kafka/request-queue-patch';
import { Kafka, logLevel } from 'kafkajs';

/** A running consumer. */
export interface DemoConsumer {
  /** Records read so far. */
  consumed(): number;
  stop(): Promise<void>;
}

const demoGroup = 'wildfire-consumers';

/** Starts the consumer; the topics must exist. */
export const startDemoConsumer = async (
  brokers: readonly string[],
  topics: readonly string[],
): Promise<DemoConsumer> => {
  patchRequestQueue();
  const kafka = new Kafka({ clientId: 'stream-manager-demo', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: demoGroup, allowAutoTopicCreation: false });
  let consumed = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 1_000,
    // eachBatch would need its own heartbeats; counting is all that is done here.
    eachMessage: async () => {
      consumed += 1;
    },
  });
  return { consumed: () => consumed, stop: () => consumer.disconnect() };
};
