// The reading and making half of the port, over any client's wire.
import type { BrokerAddress } from './broker-links.ts';
import { type ClusterMetadata, type TopicView, topicIn } from './cluster-metadata.ts';
import type { CommittedOffset, KafkaAdminPort, PartitionOffsets, TopicDefinition } from './port.ts';
import { protocolError } from './protocol-error.ts';
import { type RetryPolicy, withRetries } from './retry.ts';
import { describeTopicConfigs } from './topic-configs.ts';
import type { KafkaWire } from './wire.ts';

/** What the admin needs. */
export interface AdminDeps {
  readonly wire: KafkaWire;
  readonly metadata: ClusterMetadata;
}

const unknownTopic = 3;
const leaderNotAvailable = 5;
const topicAlreadyExists = 36;
const coordinatorNotAvailable = 15;

/** How long the controller may take to make topics, in milliseconds. */
const createTimeoutMs = 8_000;

/** Groups that commit offsets: of consumers, and without a protocol (offsets set from outside). */
const committingProtocols: ReadonlySet<string> = new Set(['consumer', '']);

const isUnknownTopic = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, 'code') === unknownTopic;

/** Creates the admin. Connects with the first call. Calls retry what passes by itself, then reject with the error. */
export const createAdmin = (deps: AdminDeps, retry: RetryPolicy): KafkaAdminPort => {
  const { wire, metadata } = deps;
  const coordinators = new Map<string, BrokerAddress>();

  const retrying = <Result>(exchange: () => Promise<Result>): Promise<Result> =>
    withRetries(retry, wire.closing, exchange);

  /** Null for a topic that does not exist. */
  const viewOf = async (topic: string): Promise<TopicView | null> => {
    const answer = topicIn(await metadata.topics([topic]), topic);
    if (!(answer instanceof Error)) return answer;
    if (isUnknownTopic(answer)) return null;
    throw answer;
  };

  const listOffsets = async (view: TopicView, which: 'earliest' | 'latest'): Promise<ReadonlyMap<number, bigint>> => {
    const { topic, partitions } = view;
    const byLeader = new Map<string, { leader: BrokerAddress; partitions: number[] }>();
    for (const [partition, { leader, errorCode }] of partitions.entries()) {
      if (leader === null)
        throw protocolError(errorCode || leaderNotAvailable, `partition ${partition} of topic ${topic}`);
      const name = `${leader.host}:${leader.port}`;
      const ofLeader = byLeader.get(name) ?? { leader, partitions: [] };
      ofLeader.partitions.push(partition);
      byLeader.set(name, ofLeader);
    }
    const answers = await Promise.all(
      [...byLeader.values()].map((ofLeader) => wire.listOffsets(ofLeader.leader, topic, ofLeader.partitions, which)),
    );
    const offsets = new Map<number, bigint>();
    for (const { partition, errorCode, offset } of answers.flat()) {
      if (errorCode !== 0) throw protocolError(errorCode, `offsets of partition ${partition} of topic ${topic}`);
      offsets.set(partition, offset);
    }
    return offsets;
  };

  const readEndOffsets = async (topic: string): Promise<readonly PartitionOffsets[] | null> => {
    try {
      const view = await viewOf(topic);
      if (view === null) return null;
      const [lows, highs] = await Promise.all([listOffsets(view, 'earliest'), listOffsets(view, 'latest')]);
      return view.partitions.map((_, partition) => {
        const high = highs.get(partition);
        const low = lows.get(partition);
        if (high === undefined || low === undefined) {
          throw protocolError(leaderNotAvailable, `no offsets for partition ${partition} of topic ${topic}`);
        }
        return { partition, low, high };
      });
    } catch (error) {
      // The leader may have moved, or the topic may be gone or made anew: the next try asks where it is.
      metadata.forget(topic);
      throw error;
    }
  };

  const coordinatorOf = async (group: string): Promise<BrokerAddress> => {
    const known = coordinators.get(group);
    if (known !== undefined) return known;
    const { errorCode, address } = await wire.coordinator(group);
    if (errorCode !== 0) throw protocolError(errorCode, `coordinator of group ${group}`);
    coordinators.set(group, address);
    return address;
  };

  const readCommittedOffsets = async (
    group: string,
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, readonly CommittedOffset[]>> => {
    const committed = new Map<string, readonly CommittedOffset[]>();
    const views = await metadata.topics(topics);
    const wanted = topics.flatMap((topic) => {
      const view = topicIn(views, topic);
      return view instanceof Error ? [] : [{ topic, partitions: view.partitions.map((_, partition) => partition) }];
    });
    // Without topics Kafka would give all of the group's.
    if (wanted.length === 0) return committed;
    try {
      const coordinator = await coordinatorOf(group);
      const answer = await wire.committedOffsets(coordinator, group, wanted);
      if (answer.errorCode !== 0) throw protocolError(answer.errorCode, `offsets of group ${group}`);
      for (const { topic, partitions } of answer.topics) {
        const failed = partitions.find(({ errorCode }) => errorCode !== 0 && errorCode !== unknownTopic);
        if (failed !== undefined) throw protocolError(failed.errorCode, `offsets of group ${group} on topic ${topic}`);
        committed.set(
          topic,
          partitions.map(({ partition, offset }) => ({ partition, offset: offset < 0n ? null : offset })),
        );
      }
      return committed;
    } catch (error) {
      coordinators.delete(group);
      throw error;
    }
  };

  const createAtController = async (definitions: readonly TopicDefinition[]): Promise<ReadonlyMap<string, boolean>> => {
    const controller = await metadata.controller();
    if (controller === null) throw protocolError(coordinatorNotAvailable, 'the cluster has no controller');
    const made = new Map<string, boolean>();
    for (const { topic, errorCode, reason } of await wire.createTopics(controller, definitions, createTimeoutMs)) {
      if (errorCode !== 0 && errorCode !== topicAlreadyExists) {
        throw protocolError(errorCode, `topic ${topic} cannot be made: ${reason ?? 'no reason given'}`);
      }
      made.set(topic, errorCode === 0);
    }
    return made;
  };

  /** A topic that was just made is unknown to some brokers for a moment. */
  const waitForLeaders = async (topics: readonly string[]): Promise<void> => {
    for (const topic of topics) metadata.forget(topic);
    const views = await metadata.topics(topics);
    for (const topic of topics) {
      const view = topicIn(views, topic);
      if (view instanceof Error) throw view;
      if (view.partitions.some(({ leader }) => leader === null)) {
        metadata.forget(topic);
        throw protocolError(leaderNotAvailable, `topic ${topic} has no leaders yet`);
      }
    }
  };

  return {
    listTopics: () => retrying(() => metadata.allTopics()),
    describeTopics: (topics) =>
      retrying(async () => {
        for (const topic of topics) metadata.forget(topic);
        const answers = await metadata.topics(topics);
        const views: TopicView[] = [];
        for (const topic of topics) {
          const answer = topicIn(answers, topic);
          if (!(answer instanceof Error)) views.push(answer);
          else if (!isUnknownTopic(answer)) throw answer;
        }
        const names = views.map(({ topic }) => topic);
        const configs = await describeTopicConfigs(wire, names);
        return views.map(({ topic, partitions, replicationFactor }) => ({
          topic,
          partitions: partitions.length,
          replicationFactor,
          config: configs.get(topic) ?? {},
        }));
      }),
    createTopics: async (definitions) => {
      if (definitions.length === 0) return new Map();
      const made = await retrying(() => createAtController(definitions));
      await retrying(() => waitForLeaders(definitions.map(({ topic }) => topic)));
      return made;
    },
    endOffsets: (topic) => retrying(() => readEndOffsets(topic)),
    listGroups: () =>
      retrying(async () => {
        const answers = await Promise.all((await metadata.brokers()).map((broker) => wire.listGroups(broker)));
        const groups = new Set<string>();
        for (const { errorCode, groups: ofBroker } of answers) {
          if (errorCode !== 0) throw protocolError(errorCode, 'list of consumer groups');
          for (const { group, protocolType } of ofBroker) if (committingProtocols.has(protocolType)) groups.add(group);
        }
        return [...groups];
      }),
    committedOffsets: (group, topics) => retrying(() => readCommittedOffsets(group, topics)),
    close: () => wire.close(),
  };
};
