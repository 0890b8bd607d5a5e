import { describe, expect, it } from 'vitest';
import { createTopicLimits, defaultMaxBatchBytes } from '../../src/kafka/topic-limits.ts';

/** A wire on which nothing can be asked. */
const cutWire = { topicConfigs: () => Promise.reject(new Error('no broker answers')) };

describe('limits of topics that cannot be read', () => {
  it('cut batches by the default, but refuse no record for its size', async () => {
    const limits = createTopicLimits(cutWire, () => 0);
    expect(await limits.maxBatchBytes(['a'])).toEqual(new Map([['a', defaultMaxBatchBytes]]));
    expect(await limits.rereadMaxBatchBytes('a')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the timestamps that a topic takes', () => {
  const setUp = (entries: Readonly<Record<string, string>>) => {
    const state = { entries, nowMs: 0, reads: 0, isCut: false };
    const limits = createTopicLimits(
      {
        topicConfigs: async (topics, names) => {
          if (state.isCut) throw new Error('no broker answers');
          state.reads += 1;
          return topics.map((topic) => ({
            topic,
            errorCode: 0,
            entries: Object.entries({ 'max.message.bytes': '1000', ...state.entries })
              .filter(([name]) => names.includes(name))
              .map(([name, value]) => ({ name, value, isSensitive: false })),
          }));
        },
      },
      () => state.nowMs,
    );
    const bounds = async () => (await limits.timestampBounds(['a'])).get('a');
    return { state, limits, bounds };
  };
  const any = { beforeMaxMs: Number.POSITIVE_INFINITY, afterMaxMs: Number.POSITIVE_INFINITY };
  const none = '9223372036854775807';

  it.each([
    {
      name: 'its two bounds',
      entries: { 'message.timestamp.before.max.ms': '86400000', 'message.timestamp.after.max.ms': '3600000' },
      expected: { beforeMaxMs: 86_400_000, afterMaxMs: 3_600_000 },
    },
    {
      name: 'no bounds',
      entries: { 'message.timestamp.before.max.ms': none, 'message.timestamp.after.max.ms': none },
      expected: any,
    },
    {
      name: 'a bound of nothing',
      entries: { 'message.timestamp.before.max.ms': '0', 'message.timestamp.after.max.ms': none },
      expected: { ...any, beforeMaxMs: 0 },
    },
    {
      name: 'the one bound of an old broker',
      entries: { 'message.timestamp.difference.max.ms': '60000' },
      expected: { beforeMaxMs: 60_000, afterMaxMs: 60_000 },
    },
    {
      name: 'any, where the broker stamps them',
      entries: { 'message.timestamp.type': 'LogAppendTime', 'message.timestamp.before.max.ms': '1' },
      expected: any,
    },
    { name: 'any, where nothing is said', entries: {}, expected: any },
  ])('are $name', async ({ entries, expected }) => {
    expect(await setUp(entries).bounds()).toEqual(expected);
  });

  it('are read with the largest batch in one exchange, again after a minute, and at once when forgotten', async () => {
    const { state, limits, bounds } = setUp({ 'message.timestamp.before.max.ms': '1000' });
    await bounds();
    expect(await limits.maxBatchBytes(['a'])).toEqual(new Map([['a', 1_000]]));
    expect(state.reads).toBe(1);
    state.entries = { 'message.timestamp.before.max.ms': '2000' };
    state.nowMs = 59_999;
    expect(await bounds()).toMatchObject({ beforeMaxMs: 1_000 });
    state.nowMs = 60_000;
    expect(await bounds()).toMatchObject({ beforeMaxMs: 2_000 });
    state.entries = { 'message.timestamp.before.max.ms': '3000' };
    limits.forget('a');
    expect(await bounds()).toMatchObject({ beforeMaxMs: 3_000 });
    expect(state.reads).toBe(3);
  });

  it('stay what they were while they cannot be read', async () => {
    const { state, bounds } = setUp({ 'message.timestamp.before.max.ms': '1000' });
    await bounds();
    state.isCut = true;
    state.nowMs = 60_000;
    expect(await bounds()).toMatchObject({ beforeMaxMs: 1_000 });
  });
});
