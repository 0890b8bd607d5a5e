import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeLag } from '../../src/lag/compute-lag.ts';

const end = (partition: number, low: number, high: number) => ({ partition, low: BigInt(low), high: BigInt(high) });
const commit = (partition: number, offset: number | null) => ({
  partition,
  offset: offset === null ? null : BigInt(offset),
});

describe('the lag of a group on a topic', () => {
  it.each([
    { name: 'everything read', ends: [end(0, 0, 10)], commits: [commit(0, 10)], records: 0, lost: 0 },
    {
      name: 'some left',
      ends: [end(0, 0, 10), end(1, 0, 5)],
      commits: [commit(0, 7), commit(1, 5)],
      records: 3,
      lost: 0,
    },
    {
      name: 'a partition without a commit beside one with: counts from its beginning',
      ends: [end(0, 0, 10), end(1, 2, 9)],
      commits: [commit(0, 10), commit(1, null)],
      records: 7,
      lost: 0,
    },
    {
      name: 'a partition that was added later',
      ends: [end(0, 0, 10), end(1, 0, 4)],
      commits: [commit(0, 10)],
      records: 4,
      lost: 0,
    },
    { name: 'retention passed the commit', ends: [end(0, 8, 10)], commits: [commit(0, 4)], records: 2, lost: 4 },
    {
      name: 'a commit beyond the end (topic made anew)',
      ends: [end(0, 0, 3)],
      commits: [commit(0, 50)],
      records: 0,
      lost: 0,
    },
    { name: 'a commit at 0', ends: [end(0, 0, 3)], commits: [commit(0, 0)], records: 3, lost: 0 },
    {
      name: 'commits on partitions that are gone',
      ends: [end(0, 0, 3)],
      commits: [commit(0, 3), commit(7, 1)],
      records: 0,
      lost: 0,
    },
    {
      name: 'offsets above 2⁵³ together',
      ends: [end(0, 0, 2 ** 52)],
      commits: [commit(0, 2 ** 52 - 1)],
      records: 1,
      lost: 0,
    },
  ])('$name', ({ ends, commits, records, lost }) => {
    expect(computeLag(ends, commits)).toEqual({ records, lostToRetention: lost });
  });

  it.each([
    { name: 'a group without any commit', commits: [commit(0, null), commit(1, null)] },
    { name: 'a group that nobody has heard of', commits: [] },
  ])('of $name is unknown, not none', ({ commits }) => {
    expect(computeLag([end(0, 0, 10), end(1, 0, 10)], commits)).toBeNull();
  });

  it('is never negative and never more than there is', () => {
    const partition = fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.option(fc.nat(3_000)));
    fc.assert(
      fc.property(fc.array(partition, { minLength: 1, maxLength: 20 }), (partitions) => {
        const ends = partitions.map(([low, count], at) => end(at, low, low + count));
        const lag = computeLag(
          ends,
          partitions.map(([, , offset], at) => commit(at, offset)),
        );
        const all = partitions.reduce((sum, [, count]) => sum + count, 0);
        expect(lag === null || (lag.records >= 0 && lag.records <= all && lag.lostToRetention >= 0)).toBe(true);
      }),
    );
  });
});
