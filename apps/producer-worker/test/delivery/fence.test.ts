import { describe, expect, it } from 'vitest';
import { type ExtendLocks, lockTakenAt, needsExtension, passFence } from '../../src/delivery/fence.ts';

const lock = (chunkId: string, lockedAt: number) => ({ chunkId, token: `token-${chunkId}`, lockedAt });
const options = { lockDurationMs: 10_000, now: () => 20_000 };

describe('needsExtension', () => {
  it.each([
    { name: 'just taken', ageMs: 0, expected: false },
    { name: 'half of its duration old', ageMs: 5_000, expected: false },
    { name: 'more than half of its duration old', ageMs: 5_001, expected: true },
    { name: 'run out long ago', ageMs: 17_000, expected: true },
  ])('a lock that is $name: $expected', ({ ageMs, expected }) => {
    expect(needsExtension(1_000, 1_000 + ageMs, 10_000)).toBe(expected);
  });
});

describe('lockTakenAt', () => {
  it.each([
    { name: 'counts what the job waited in this process', processedOn: 9_000, expected: 4_000 },
    { name: 'is now when the clock was set back', processedOn: 12_000, expected: 5_000 },
    { name: 'is now when the job does not say', processedOn: undefined, expected: 5_000 },
  ])('$name', ({ processedOn, expected }) => {
    expect(lockTakenAt(processedOn, 10_000, 5_000)).toBe(expected);
  });
});

describe('passFence', () => {
  it('asks nobody while all locks are known to be good', async () => {
    let calls = 0;
    const extend: ExtendLocks = async () => {
      calls += 1;
      return [];
    };
    expect(await passFence([lock('a', 15_000)], extend, options)).toEqual(new Set());
    expect(calls).toBe(0);
  });

  it('extends the unsure ones in one call and counts them from before that call', async () => {
    const asked: unknown[] = [];
    const extend: ExtendLocks = async (...call) => {
      asked.push(call);
      return ['c'];
    };
    const locks = [lock('a', 15_000), lock('b', 14_000), lock('c', 0)];
    expect([...(await passFence(locks, extend, options))]).toEqual([locks[2]]);
    expect(asked).toEqual([[['b', 'c'], ['token-b', 'token-c'], 10_000]]);
    expect(locks.map(({ lockedAt }) => lockedAt)).toEqual([15_000, 20_000, 0]);
  });

  it('lets all unsure ones go when Redis does not say', async () => {
    const extend: ExtendLocks = () => Promise.reject(new Error('OOM'));
    const locks = [lock('a', 15_000), lock('b', 0)];
    expect([...(await passFence(locks, extend, options))]).toEqual([locks[1]]);
  });
});
