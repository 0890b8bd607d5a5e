import { formatReplay } from '@stream-manager/shared/queues/dead-letters/replay-mark';
import { emptyBitmap, setBit } from '@stream-manager/shared/records/bitmap';
import type { TopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { describe, expect, it } from 'vitest';
import { prepareChunk, revisionOf } from '../../src/delivery/prepare.ts';
import { noon, preparedRecord, storedRecords, takenChunk } from '../chunks.ts';

const fixed: Pick<TopicResolver, 'resolve' | 'needsContent'> = {
  needsContent: () => false,
  resolve: () => ({ topic: 'fires', rule: 'source' }),
};

const bits = (count: number, ...set: readonly number[]): Buffer => {
  const bitmap = emptyBitmap(count);
  for (const index of set) setBit(bitmap, index);
  return bitmap;
};

const prepare = (taken: ReturnType<typeof takenChunk>, topics = fixed) =>
  prepareChunk('firms', taken, storedRecords(taken), topics, noon);

describe('prepareChunk', () => {
  it('gives key, value, event time and ids as they were stored', () => {
    const [record] = prepare(takenChunk(1)).outgoing;
    const stored = preparedRecord(0);
    expect(record).toEqual({
      topic: 'fires',
      key: Buffer.from('key-0'),
      value: stored.value,
      timestampMs: noon - 60_000,
      recordId: stored.id.toString('base64url'),
      sourceId: 'firms',
    });
    expect(record?.recordId).toHaveLength(22);
  });

  it('skips what is done already', () => {
    const { records, outgoing } = prepare(takenChunk(4, { done: bits(4, 0, 2) }));
    expect(records.map(({ index }) => index)).toEqual([1, 3]);
    expect(outgoing.map(({ key }) => key.toString())).toEqual(['key-1', 'key-3']);
  });

  it('sets a revision on corrections only, made of the content', () => {
    const { outgoing } = prepare(takenChunk(2, { corrections: bits(2, 1) }));
    expect(outgoing[0]).not.toHaveProperty('revision');
    expect(outgoing[1]?.revision).toBe('666666666666');
    expect(revisionOf(Buffer.from('0123456789abcdef', 'hex'))).toBe('0123456789ab');
  });

  it('looks into records only where a content rule may apply', () => {
    const asked: unknown[] = [];
    const byContent: typeof fixed = {
      needsContent: () => true,
      resolve: (_sourceId, data) => {
        asked.push(data);
        return { topic: data?.index === 1 ? 'special' : 'fires', rule: 'content' };
      },
    };
    expect(prepare(takenChunk(3), byContent).outgoing.map(({ topic }) => topic)).toEqual(['fires', 'special', 'fires']);
    expect(asked).toEqual([{ index: 0 }, { index: 1 }, { index: 2 }]);
  });

  it('replaces an event time that lies too far ahead by the time of ingestion, and counts it', () => {
    const ahead = preparedRecord(0, { eventTimeMs: noon + 3_600_001 });
    const { outgoing, timestampsReplaced } = prepare(takenChunk(0, { prepared: [ahead, preparedRecord(1)] }));
    expect(outgoing.map(({ timestampMs }) => timestampMs)).toEqual([noon - 10_000, noon - 60_000]);
    expect(timestampsReplaced).toBe(1);
  });

  it('gives a replayed record its own id and its revision, not those of the letter', () => {
    const value = preparedRecord(5).value;
    const replayed = preparedRecord(0, { value });
    const pollId = formatReplay({ replays: 1, isCorrection: true, pollId: 'poll-7' });
    const [record] = prepare(takenChunk(0, { prepared: [replayed], pollId })).outgoing;
    expect(record?.recordId).toBe(preparedRecord(5).id.toString('base64url'));
    expect(record?.revision).toBe('656565656565');
  });
});
