// The settings of topics as the cluster has them in effect.
import { protocolError } from './protocol-error.ts';
import type { KafkaWire } from './wire.ts';

const topicAuthorizationFailed = 29;
const unknownTopic = 3;

/**
 * Settings by topic; `names` empty = all of them. Secret ones are left out, as are topics that do not exist or whose
 * settings we may not read. Rejects when no broker answers, or with another of Kafka's errors.
 */
export const describeTopicConfigs = async (
  wire: Pick<KafkaWire, 'topicConfigs'>,
  topics: readonly string[],
  names: readonly string[] = [],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> => {
  const configs = new Map<string, Readonly<Record<string, string>>>();
  if (topics.length === 0) return configs;
  for (const { topic, errorCode, entries } of await wire.topicConfigs(topics, names)) {
    if (errorCode === unknownTopic || errorCode === topicAuthorizationFailed) continue;
    if (errorCode !== 0) throw protocolError(errorCode, `settings of topic ${topic}`);
    const config: Record<string, string> = {};
    for (const { name, value, isSensitive } of entries) if (!isSensitive && value !== null) config[name] = value;
    configs.set(topic, config);
  }
  return configs;
};
