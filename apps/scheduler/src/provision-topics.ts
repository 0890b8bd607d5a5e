// Makes the Kafka topics that the sources need and that do not exist. An existing topic is never altered: where it
// differs from the config, that is shown. Tried again every minute, so a Kafka that is down at start is no obstacle.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaAdminPort, TopicDefinition } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import { topicDifferences } from '@stream-manager/shared/topics/topic-definition';

const intervalMs = 60_000;
const retryMs = 5_000;

/** What one round did and found. */
export interface Provision {
  readonly created: readonly string[];
  /** Per existing topic in words how it differs from the config. */
  readonly differences: ReadonlyMap<string, readonly string[]>;
  /** Why topics cannot be made, one line each. */
  readonly refused: readonly string[];
}

/** Makes what is missing once. One topic that cannot be made keeps no other from being made or compared. */
export const provisionTopics = async (
  admin: KafkaAdminPort,
  wanted: readonly TopicDefinition[],
): Promise<Provision> => {
  const present = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !present.has(topic));
  const made = new Map<string, boolean>();
  const refused: string[] = [];
  for (const definition of missing) {
    try {
      for (const [topic, isNew] of await admin.createTopics([definition])) made.set(topic, isNew);
    } catch (error) {
      refused.push(messageOf(error));
    }
  }
  const existing = wanted.filter(({ topic }) => present.has(topic));
  const described = existing.length === 0 ? [] : await admin.describeTopics(existing.map(({ topic }) => topic));
  const differences = new Map<string, readonly string[]>();
  for (const actual of described) {
    const definition = existing.find(({ topic }) => topic === actual.topic);
    const found = definition === undefined ? [] : topicDifferences(actual, definition);
    if (found.length > 0) differences.set(actual.topic, found);
  }
  return { created: [...made].filter(([, isNew]) => isNew).map(([topic]) => topic), differences, refused };
};

/** What the last round found. `problem` null = all topics are there. */
export interface TopicReport {
  readonly problem: string | null;
  readonly differences: Readonly<Record<string, readonly string[]>>;
}

/** Keeps the topics there. */
export interface TopicProvisioner extends Service {
  /** For the API. */
  report(): TopicReport;
  /** Checks at once: a source was started that needs other topics. */
  checkSoon(): void;
}

/** Creates the provisioner. `wanted` is asked at every round: which sources run changes. */
export const createTopicProvisioner = (
  deps: { readonly admin: KafkaAdminPort; readonly logger: Logger },
  wanted: () => Promise<readonly TopicDefinition[]>,
): TopicProvisioner => {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let round: Promise<void> = Promise.resolve();
  let differences: ReadonlyMap<string, readonly string[]> = new Map();
  let problem: string | null = null;
  let reported = '';
  /** Each trouble is logged when it begins and when it ends, not at every round. */
  const setProblem = (next: string | null): void => {
    if (next === problem) return;
    problem = next;
    if (next === null) deps.logger.info('topics are there again');
    else deps.logger.warn({ error: next }, 'trouble with topics; trying again');
  };
  const reportDifferences = (): void => {
    const text = JSON.stringify([...differences]);
    if (text === reported) return;
    reported = text;
    for (const [topic, found] of differences)
      deps.logger.warn({ topic, differences: found }, 'topic exists and differs from the config; it is left as it is');
  };
  const run = async (): Promise<void> => {
    if (isStopped) return;
    let pauseMs = intervalMs;
    try {
      const result = await provisionTopics(deps.admin, await wanted());
      for (const topic of result.created) deps.logger.info({ topic }, 'topic created');
      differences = result.differences;
      reportDifferences();
      if (result.refused.length > 0) pauseMs = retryMs;
      setProblem(result.refused.length === 0 ? null : result.refused.join('; '));
    } catch (error) {
      pauseMs = retryMs;
      setProblem(`topics cannot be checked: ${messageOf(error)}`);
    }
    if (!isStopped) timer = setTimeout(next, pauseMs);
  };
  const next = (): void => {
    clearTimeout(timer);
    round = round.then(run);
  };
  return {
    start: async () => {
      // Not awaited: Kafka may be down, and everything else works without it.
      next();
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await round;
    },
    checkSoon: () => {
      if (!isStopped) next();
    },
    report: () => ({ problem, differences: Object.fromEntries(differences) }),
  };
};
