// How a missing topic is made, and how an existing one differs from that. Pure; an existing topic is never altered.
import type { TopicDefinition, TopicDescription } from '../kafka/port.ts';

/** How a topic is to be made, from section `topics` of the config. */
export interface TopicSettings {
  readonly partitions: number;
  /** −1 = the broker's default. */
  readonly replicationFactor: number;
  /** Milliseconds; −1 = for ever. */
  readonly retentionMs: number;
  /** Kafka's own settings by their names; they win over `retentionMs`. */
  readonly config: Readonly<Record<string, string>>;
}

/** Kafka 4 refuses records more than an hour ahead by default; forecasts and wrong clocks are for consumers to judge. */
const anyTimestampAhead = { 'message.timestamp.after.max.ms': '9223372036854775807' };

/** The definition of a topic: its own entry, else `default`. Throws a RangeError if `topics` has neither. */
export const topicDefinition = (topics: Readonly<Record<string, TopicSettings>>, topic: string): TopicDefinition => {
  const settings = Object.hasOwn(topics, topic) ? topics[topic] : topics['default'];
  if (settings === undefined) throw new RangeError(`there are no settings for topic ${topic} and no defaults`);
  return {
    topic,
    partitions: settings.partitions,
    replicationFactor: settings.replicationFactor,
    config: { ...anyTimestampAhead, 'retention.ms': String(settings.retentionMs), ...settings.config },
  };
};

/** How an existing topic differs from what would be made, in words; empty = not at all. Settings that Kafka did not give are left out. */
export const topicDifferences = (actual: TopicDescription, wanted: TopicDefinition): readonly string[] => {
  const differences: string[] = [];
  const compare = (name: string, found: string | number | undefined, expected: string | number): void => {
    if (found !== undefined && found !== expected) differences.push(`${name} is ${found}, the config says ${expected}`);
  };
  compare('partitions', actual.partitions, wanted.partitions);
  if (wanted.replicationFactor !== -1)
    compare('replication factor', actual.replicationFactor, wanted.replicationFactor);
  for (const [name, expected] of Object.entries(wanted.config)) compare(name, actual.config[name], expected);
  return differences;
};
