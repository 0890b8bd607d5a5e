// The settings of topics as the cluster has them in effect.
import type { BrokerLinks } from './broker-links.ts';
import { kafkajs, protocolError, withoutThrowing } from './kafkajs-internals.ts';

const topicResource = 2;
const topicAuthorizationFailed = 29;
const unknownTopic = 3;

/**
 * Settings by topic; `names` empty = all of them. Secret ones are left out, as are topics that do not exist or whose
 * settings we may not read. Rejects when no broker answers, or with another of Kafka's errors.
 */
export const describeTopicConfigs = async (
  links: BrokerLinks,
  topics: readonly string[],
  names: readonly string[] = [],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> => {
  const configs = new Map<string, Readonly<Record<string, string>>>();
  if (topics.length === 0) return configs;
  const resources = topics.map((name) => ({ type: topicResource, name, configNames: names }));
  const answer = await links.sendToAny(withoutThrowing(kafkajs.describeConfigs({ resources })));
  for (const resource of answer.resources) {
    if (resource.errorCode === unknownTopic || resource.errorCode === topicAuthorizationFailed) continue;
    if (resource.errorCode !== 0) throw protocolError(resource.errorCode, `settings of topic ${resource.resourceName}`);
    const config: Record<string, string> = {};
    for (const { configName, configValue, isSensitive } of resource.configEntries) {
      if (!isSensitive && configValue !== null) config[configName] = configValue;
    }
    configs.set(resource.resourceName, config);
  }
  return configs;
};
