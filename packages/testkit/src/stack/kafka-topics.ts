// Topics made and deleted from outside, as an operator does it.
import { patchRequestQueue } from '@stream-manager/shared/kafka/request-queue-patch';
import { type Admin, Kafka, logLevel } from 'kafkajs';

export interface TopicPlan {
  readonly name: string;
  /** Default 4. */
  readonly partitions?: number;
  /** Default: what the brokers have as default. */
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A new admin each time: kafkajs' is of no use any more after a topic that it used is deleted. */
const asAdmin = async <T>(brokers: readonly string[], act: (admin: Admin) => Promise<T>): Promise<T> => {
  patchRequestQueue();
  const admin = new Kafka({ clientId: 'operator', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

/** Makes the topic and waits for its leaders. Throws what the broker says when it exists already. */
export const createTopic = (brokers: readonly string[], plan: TopicPlan): Promise<void> =>
  asAdmin(brokers, async (admin) => {
    const isNew = await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: plan.name,
          numPartitions: plan.partitions ?? 4,
          replicationFactor: plan.replicationFactor ?? -1,
          configEntries: Object.entries(plan.config ?? {}).map(([name, value]) => ({ name, value })),
        },
      ],
    });
    if (!isNew) throw new Error(`topic ${plan.name} exists already`);
  });

/** Deletes the topic with all that is in it. */
export const deleteTopic = (brokers: readonly string[], topic: string): Promise<void> =>
  asAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
