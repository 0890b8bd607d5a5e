import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { codecOf } from '../../src/kafka/compression.ts';
import { answerFor, produceRequest } from '../../src/kafka/produce-request.ts';
import { encodeRecordBatch } from '../../src/kafka/record-encoder.ts';

// kafkajs' own request, which ours is held against; it has no types.
const original = createRequire(import.meta.url)('kafkajs/src/protocol/requests/produce/v7/request') as (
  options: object,
) => { encode(): Promise<{ readonly buffer: Buffer }> };

const record = (topic: string, value: string) => ({
  topic,
  key: Buffer.from('k'),
  value: Buffer.from(value),
  timestampMs: 1_700_000_000_000,
  recordId: 'r',
  sourceId: 's',
});

const message = (value: string) => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  timestamp: '1700000000000',
  headers: { 'record-id': 'r', 'source-id': 's', 'schema-version': '1' },
});

describe('a produce request', () => {
  it('is byte for byte that of kafkajs', async () => {
    const batches = [
      { topic: 'a', partition: 0, values: ['one', 'two'] },
      { topic: 'b', partition: 3, values: ['three'] },
      { topic: 'a', partition: 2, values: ['four'] },
    ];
    const ours = produceRequest(
      await Promise.all(
        batches.map(async ({ topic, partition, values }) => ({
          topic,
          partition,
          batch: await encodeRecordBatch(
            values.map((value) => record(topic, value)),
            codecOf('none'),
          ),
        })),
      ),
      8_000,
    );
    const theirs = original({
      acks: -1,
      timeout: 8_000,
      compression: 0,
      topicData: [...Map.groupBy(batches, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
        topic,
        partitions: ofTopic.map(({ partition, values }) => ({
          partition,
          firstSequence: 0,
          messages: values.map(message),
        })),
      })),
    });
    const encoded = await ours.request.encode();
    expect(encoded.buffer.toString('hex')).toBe((await theirs.encode()).buffer.toString('hex'));
    expect(ours.request).toMatchObject({ apiKey: 0, apiVersion: 7 });
  });

  it('tells each partition its own answer, and an unanswered one from an acknowledged one', () => {
    const answer = [
      { topic: 'a', partition: 0, errorCode: 0 },
      { topic: 'a', partition: 1, errorCode: 10 },
    ];
    expect(answerFor(answer, 'a', 0)).toBe(0);
    expect(answerFor(answer, 'a', 1)).toBe(10);
    expect(answerFor(answer, 'a', 2)).toBeNull();
    expect(answerFor(answer, 'b', 0)).toBeNull();
  });
});
