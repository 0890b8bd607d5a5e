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
