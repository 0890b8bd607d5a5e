// What the brokers say about topics: how many partitions, and who leads each. Kept per topic, so that one topic that is
// deleted, forbidden or without a leader is a fact about that topic and no failure of the others (kafkajs keeps one list
// for all topics ever used and fails as a whole when one of them is gone).
import type { BrokerAddress } from './broker-links.ts';
import { protocolError } from './protocol-error.ts';
import type { KafkaWire, MetadataAnswer } from './wire.ts';

/** One partition: its leader's address, or why there is none. */
export interface PartitionView {
  readonly leader: BrokerAddress | null;
  /** Kafka's error code; 0 = none. */
  readonly errorCode: number;
}

/** A topic as the cluster sees it. `partitions[n]` is partition n. */
export interface TopicView {
  readonly topic: string;
  readonly partitions: readonly PartitionView[];
  readonly replicationFactor: number;
}

/** A topic, or the error that Kafka gives for it (`UNKNOWN_TOPIC_OR_PARTITION` when it does not exist). */
export type TopicAnswer = TopicView | Error;

type TopicAnswers = ReadonlyMap<string, TopicAnswer>;

/**
 * Reads metadata; one read serves all callers until it is `maxAgeMs` old. Calls reject when no broker answers: also those
 * that waited behind the read that failed, so that nobody waits longer than for two reads, however many call at once.
 */
export interface ClusterMetadata {
  /** Look an answer up with `topicIn`. Errors are asked again each time, views when they are too old. */
  topics(names: Iterable<string>): Promise<TopicAnswers>;
  /** Names of all topics, internal ones included; always read anew. */
  allTopics(): Promise<readonly string[]>;
  /** All brokers, read anew. */
  brokers(): Promise<readonly BrokerAddress[]>;
  /** The broker to which changes of topics are sent, read anew; null while there is none. */
  controller(): Promise<BrokerAddress | null>;
  /** The next call reads this topic again. */
  forget(topic: string): void;
}

const unknownTopic = 3;
const leaderNotAvailable = 5;

const topicAnswer = (
  answer: MetadataAnswer['topics'][number],
  brokers: ReadonlyMap<number, BrokerAddress>,
): TopicAnswer => {
  const { topic } = answer;
  if (answer.errorCode !== 0) return protocolError(answer.errorCode, `topic ${topic}`);
  if (answer.partitions.length === 0) return protocolError(leaderNotAvailable, `topic ${topic} has no partitions yet`);
  const partitions: PartitionView[] = [];
  for (const { partition, leader, errorCode } of answer.partitions) {
    const address = brokers.get(leader) ?? null;
    // Missing replicas (REPLICA_NOT_AVAILABLE) do not keep a leader from taking records.
    partitions[partition] = { leader: address, errorCode: address === null ? errorCode : 0 };
  }
  return { topic, partitions, replicationFactor: answer.partitions[0]?.replicas ?? 0 };
};

/** The answer for one of the topics asked for; a topic that the brokers did not mention does not exist. */
export const topicIn = (answers: TopicAnswers, topic: string): TopicAnswer =>
  answers.get(topic) ?? protocolError(unknownTopic, `topic ${topic}`);

/** Creates the metadata of the cluster behind `wire`. `now` in milliseconds. */
export const createClusterMetadata = (
  wire: Pick<KafkaWire, 'metadata' | 'learn'>,
  options: { readonly maxAgeMs: number; readonly now: () => number },
): ClusterMetadata => {
  const { maxAgeMs, now } = options;
  const views = new Map<string, { readonly view: TopicView; readonly readAt: number }>();
  /** One read at a time. Who asks meanwhile gathers for the next one, which serves all of them. */
  let underway: Promise<TopicAnswers> | null = null;
  let next: { readonly names: Set<string>; readonly answers: Promise<TopicAnswers> } | null = null;

  /** `names` empty = all topics. */
  const read = async (names: readonly string[]): Promise<MetadataAnswer> => {
    const answer = await wire.metadata(names);
    wire.learn(answer.brokers.map(({ host, port }) => ({ host, port })));
    return answer;
  };

  const fresh = (topic: string): TopicView | null => {
    const kept = views.get(topic);
    if (kept === undefined || now() - kept.readAt >= maxAgeMs) return null;
    return kept.view;
  };

  const readTopics = async (names: readonly string[]): Promise<TopicAnswers> => {
    const { brokers, topics } = await read(names);
    const addresses = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const answers = new Map<string, TopicAnswer>();
    for (const topic of topics) {
      const answer = topicAnswer(topic, addresses);
      answers.set(topic.topic, answer);
      if (answer instanceof Error) views.delete(topic.topic);
      else views.set(topic.topic, { view: answer, readAt: now() });
    }
    return answers;
  };

  const startRead = (names: readonly string[]): Promise<TopicAnswers> => {
    const reading = readTopics(names);
    underway = reading;
    const forget = (): void => {
      if (underway === reading) underway = null;
    };
    reading.then(forget, forget);
    return reading;
  };

  /** What is known of the topics, and for the rest `read`. */
  const knownOr = async (
    names: Iterable<string>,
    read: (missing: readonly string[]) => Promise<TopicAnswers>,
  ): Promise<TopicAnswers> => {
    const answers = new Map<string, TopicAnswer>();
    const missing: string[] = [];
    for (const topic of names) {
      const view = fresh(topic);
      if (view === null) missing.push(topic);
      else answers.set(topic, view);
    }
    if (missing.length === 0) return answers;
    const found = await read(missing);
    for (const topic of missing) {
      const answer = found.get(topic);
      if (answer !== undefined) answers.set(topic, answer);
    }
    return answers;
  };

  const readBehind = async (previous: Promise<unknown>, names: ReadonlySet<string>): Promise<TopicAnswers> => {
    try {
      await previous;
    } finally {
      next = null;
    }
    return knownOr(names, startRead);
  };

  const ask = (missing: readonly string[]): Promise<TopicAnswers> => {
    if (underway === null) return startRead(missing);
    if (next === null) {
      const names = new Set(missing);
      next = { names, answers: readBehind(underway, names) };
    } else for (const topic of missing) next.names.add(topic);
    return next.answers;
  };

  return {
    topics: (names) => knownOr(new Set(names), ask),
    allTopics: async () => {
      const { topics } = await read([]);
      return topics.filter(({ errorCode }) => errorCode !== unknownTopic).map(({ topic }) => topic);
    },
    brokers: async () => {
      const { brokers } = await read([unreadTopic]);
      return brokers.map(({ host, port }) => ({ host, port }));
    },
    controller: async () => {
      const { brokers, controllerId } = await read([unreadTopic]);
      const controller = brokers.find(({ nodeId }) => nodeId === controllerId);
      return controller === undefined ? null : { host: controller.host, port: controller.port };
    },
    forget: (topic) => {
      views.delete(topic);
    },
  };
};

/** An empty list would mean all topics, thousands on some clusters; any name that is no topic gives the brokers alone. */
const unreadTopic = '__none__';
