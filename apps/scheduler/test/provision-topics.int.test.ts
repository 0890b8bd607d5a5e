import { randomUUID } from 'node:crypto';
import { createKafkajsPort } from '@stream-manager/shared/kafka/kafkajs-adapter';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { topicDefinition } from '@stream-manager/shared/topics/topic-definition';
import { describe, expect, inject, it } from 'vitest';
import { provisionTopics } from '../src/provision-topics.ts';

const settings = (partitions: number, retentionMs = 604_800_000) => ({
  partitions,
  replicationFactor: -1,
  retentionMs,
  config: {},
});

const setup = () => {
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const port = createKafkajsPort({
    brokers: inject('kafkaBrokers'),
    clientId: 'provision-test',
    compression: 'none',
    ssl: false,
    sasl: null,
    logger,
  });
  const admin = port.createAdmin();
  return { admin, topic: `provision-${randomUUID()}`, [Symbol.asyncDispose]: () => admin.close() };
};

describe('provisioning topics', () => {
  it('makes a missing topic as the config says, once', async () => {
    await using part = setup();
    const wanted = [topicDefinition({ default: settings(1), [part.topic]: settings(3, 3_600_000) }, part.topic)];
    expect(await provisionTopics(part.admin, wanted)).toEqual({
      created: [part.topic],
      differences: new Map(),
      refused: [],
    });
    const [made] = await part.admin.describeTopics([part.topic]);
    expect(made).toMatchObject({
      partitions: 3,
      config: { 'retention.ms': '3600000', 'message.timestamp.after.max.ms': '9223372036854775807' },
    });
    expect(await provisionTopics(part.admin, wanted)).toEqual({ created: [], differences: new Map(), refused: [] });
  });

  it('never alters an existing topic, and says how it differs', async () => {
    await using part = setup();
    await provisionTopics(part.admin, [topicDefinition({ default: settings(2) }, part.topic)]);
    const result = await provisionTopics(part.admin, [topicDefinition({ default: settings(5, 1_000) }, part.topic)]);
    expect(result.created).toEqual([]);
    expect(result.differences.get(part.topic)).toEqual([
      'partitions is 2, the config says 5',
      'retention.ms is 604800000, the config says 1000',
    ]);
    const [untouched] = await part.admin.describeTopics([part.topic]);
    expect(untouched).toMatchObject({ partitions: 2, config: { 'retention.ms': '604800000' } });
  });

  it('lets one topic that cannot be made keep no other from being made or compared', async () => {
    await using part = setup();
    const other = `${part.topic}-other`;
    const existing = `${part.topic}-existing`;
    await provisionTopics(part.admin, [topicDefinition({ default: settings(2) }, existing)]);
    const result = await provisionTopics(part.admin, [
      { ...topicDefinition({ default: settings(1) }, part.topic), replicationFactor: 99 },
      topicDefinition({ default: settings(1) }, other),
      topicDefinition({ default: settings(5) }, existing),
    ]);
    expect(result.created).toEqual([other]);
    expect([...result.differences.keys()]).toEqual([existing]);
    expect(result.refused).toEqual([expect.stringContaining(`topic ${part.topic} cannot be made`)]);
  });

  it('may be done by several schedulers at once', async () => {
    await using part = setup();
    const wanted = [topicDefinition({ default: settings(1) }, part.topic)];
    const results = await Promise.all([1, 2, 3].map(() => provisionTopics(part.admin, wanted)));
    expect(results.flatMap(({ created }) => created)).toEqual([part.topic]);
  });
});
