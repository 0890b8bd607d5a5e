import { describe, expect, it } from 'vitest';
import { type TopicSettings, topicDefinition, topicDifferences } from '../../src/topics/topic-definition.ts';

const fallback: TopicSettings = { partitions: 4, replicationFactor: -1, retentionMs: 604_800_000, config: {} };

describe('the definition of a topic', () => {
  it('comes from its own entry, else from the default', () => {
    const topics = {
      default: fallback,
      fires: { ...fallback, partitions: 12, replicationFactor: 3, config: { 'cleanup.policy': 'compact' } },
    };
    expect(topicDefinition(topics, 'fires')).toEqual({
      topic: 'fires',
      partitions: 12,
      replicationFactor: 3,
      config: {
        'cleanup.policy': 'compact',
        'message.timestamp.after.max.ms': '9223372036854775807',
        'retention.ms': '604800000',
      },
    });
    expect(topicDefinition(topics, 'other')).toMatchObject({ topic: 'other', partitions: 4, replicationFactor: -1 });
    expect(topicDefinition(topics, 'constructor')).toMatchObject({ partitions: 4 });
  });

  it("lets Kafka's own names win", () => {
    const settings = { ...fallback, config: { 'retention.ms': '1', 'message.timestamp.after.max.ms': '2' } };
    expect(topicDefinition({ default: settings }, 't').config).toEqual(settings.config);
  });

  it('cannot be made from nothing', () => {
    expect(() => topicDefinition({}, 't')).toThrow('topic t');
  });
});

describe('the differences of an existing topic', () => {
  const wanted = topicDefinition({ default: { ...fallback, replicationFactor: 3 } }, 't');

  it('are named one by one', () => {
    const actual = {
      topic: 't',
      partitions: 1,
      replicationFactor: 2,
      config: { 'retention.ms': '1000', 'message.timestamp.after.max.ms': '3600000', 'segment.ms': '5' },
    };
    expect(topicDifferences(actual, wanted)).toEqual([
      'partitions is 1, the config says 4',
      'replication factor is 2, the config says 3',
      'message.timestamp.after.max.ms is 3600000, the config says 9223372036854775807',
      'retention.ms is 1000, the config says 604800000',
    ]);
  });

  it("leave out what Kafka did not tell, and the broker's own replication factor", () => {
    const loose = topicDefinition({ default: fallback }, 't');
    expect(topicDifferences({ topic: 't', partitions: 4, replicationFactor: 3, config: {} }, loose)).toEqual([]);
  });

  it('are none for a topic as it would be made', () => {
    const actual = { ...wanted, config: { ...wanted.config, 'segment.ms': '5' } };
    expect(topicDifferences(actual, wanted)).toEqual([]);
  });
});
