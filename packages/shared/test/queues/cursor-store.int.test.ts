import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { createCursorStore, longestCursorBytes } from '../../src/queues/cursor-store.ts';
import { sourceKeys } from '../../src/queues/keys.ts';
import { Redis } from '../../src/queues/redis.ts';

const open = () => {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const keyPrefix = `test-${randomBytes(6).toString('hex')}`;
  const { cursor: key, position } = sourceKeys(keyPrefix, 'fires');
  return {
    redis,
    keyPrefix,
    key,
    position,
    cursors: createCursorStore(redis, keyPrefix),
    [Symbol.asyncDispose]: async () => {
      await redis.del(key, position);
      redis.disconnect();
    },
  };
};

describe('a cursor', () => {
  it('is empty before the first pass, and what the last finished one left after it', async () => {
    await using bundle = open();
    const { cursors } = bundle;
    expect(await cursors.read('fires')).toEqual({
      value: null,
      untilMs: null,
      at: null,
      by: null,
      version: 0,
      request: null,
    });
    const value = { next: ['a', 1.5], after: null, text: 'ü "x"' };
    expect(await cursors.write('fires', 0, { value, untilMs: 1_700_000_000_000 })).toBe(true);
    const stored = await cursors.read('fires');
    expect(stored).toMatchObject({ value, untilMs: 1_700_000_000_000, by: 'poll', version: 1 });
    expect(Math.abs(Date.parse(stored.at ?? '') - Date.now())).toBeLessThan(60_000);
    expect(await cursors.write('fires', 1, { value: null, untilMs: null })).toBe(true);
    expect(await cursors.read('fires')).toMatchObject({ value: null, untilMs: null, version: 2 });
  });

  it('is what an operator made of it while a pass ran', async () => {
    await using bundle = open();
    const { cursors } = bundle;
    await cursors.write('fires', 0, { value: 1, untilMs: 10 });
    expect(await cursors.set('fires', { value: 7 }, 'ann')).toMatchObject({
      value: 7,
      untilMs: 10,
      by: 'ann',
      version: 2,
    });
    expect(await cursors.write('fires', 1, { value: 2, untilMs: 20 })).toBe(false);
    // A source that keeps a value would ask from there, whatever the time.
    expect(await cursors.set('fires', { untilMs: 5 }, 'bob')).toMatchObject({
      value: null,
      untilMs: 5,
      by: 'bob',
      version: 3,
    });
    expect(await cursors.reset('fires', 'eve')).toMatchObject({ value: null, untilMs: null, by: 'eve', version: 4 });
    expect(await cursors.write('fires', 3, { value: 3, untilMs: 30 })).toBe(false);
    expect(await cursors.write('fires', 4, { value: 4, untilMs: 40 })).toBe(true);
  });

  it('that was reset during the first pass of all stays reset', async () => {
    await using bundle = open();
    const { cursors } = bundle;
    await cursors.reset('fires', 'ann');
    expect(await cursors.write('fires', 0, { value: 1, untilMs: 10 })).toBe(false);
    expect(await cursors.read('fires')).toMatchObject({ value: null, version: 1 });
  });

  it('is read with where the pass stands and with the time of Redis; where it stood is forgotten when it ends', async () => {
    await using bundle = open();
    const { cursors, redis, position } = bundle;
    expect(await cursors.begin('fires')).toMatchObject({ cursor: { version: 0 }, position: null });
    for (const expectedVersion of [0, 0]) {
      await redis.set(position, '{"page":3}');
      const { position: stored, nowMs } = await cursors.begin('fires');
      expect(stored).toEqual({ page: 3 });
      expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000);
      // The second one is of a pass that began before the first one ended.
      await cursors.write('fires', expectedVersion, { value: 'a', untilMs: 10 });
      expect(await cursors.begin('fires')).toMatchObject({ cursor: { value: 'a', version: 1 }, position: null });
    }
    await redis.set(position, '{"cut');
    expect(await cursors.begin('fires')).toMatchObject({ position: null });
  });

  it('says what it came from, unless a person has written it', async () => {
    await using bundle = open();
    const { cursors } = bundle;
    await cursors.write('fires', 0, { value: 1, untilMs: 10, request: 'this' });
    expect(await cursors.read('fires')).toMatchObject({ request: 'this' });
    expect(await cursors.set('fires', { untilMs: 5 }, 'ann')).toMatchObject({ request: null });
    expect(await cursors.set('fires', { value: 2 }, 'ann')).toMatchObject({ request: null });
    await cursors.write('fires', 3, { value: 3, untilMs: 20, request: 'that' });
    expect(await cursors.read('fires')).toMatchObject({ request: 'that' });
    expect(await cursors.reset('fires', 'ann')).toMatchObject({ request: null });
  });

  it('of one pass wins when two end side by side', async () => {
    await using bundle = open();
    const ends = await Promise.all(
      Array.from({ length: 10 }, (_none, value) => bundle.cursors.write('fires', 0, { value, untilMs: value })),
    );
    expect(ends.filter(Boolean)).toHaveLength(1);
    expect(await bundle.cursors.read('fires')).toMatchObject({ value: ends.indexOf(true), version: 1 });
  });

  it('of more than 64 KiB is refused and changes nothing', async () => {
    await using bundle = open();
    const { cursors } = bundle;
    const longest = 'x'.repeat(longestCursorBytes - 2);
    expect(await cursors.write('fires', 0, { value: longest, untilMs: 1 })).toBe(true);
    const tooLong = { value: `${longest}x`, untilMs: 2 };
    await expect(cursors.write('fires', 1, tooLong)).rejects.toMatchObject({ code: 'cursor_too_large' });
    await expect(cursors.set('fires', { value: tooLong.value }, 'ann')).rejects.toMatchObject({
      code: 'cursor_too_large',
    });
    expect(await cursors.read('fires')).toMatchObject({ value: longest, version: 1 });
  });

  it('that nobody can read counts as none, and can be written', async () => {
    await using bundle = open();
    await bundle.redis.hset(bundle.key, { value: '{"cut', until: 'soon', at: 'x', version: '3' });
    expect(await bundle.cursors.read('fires')).toEqual({
      value: null,
      untilMs: null,
      at: null,
      by: null,
      version: 3,
      request: null,
    });
    expect(await bundle.cursors.write('fires', 3, { value: 1, untilMs: 1 })).toBe(true);
  });

  it('that a person writes lets answers that have not changed be read again; that of a pass does not', async () => {
    await using bundle = open();
    const { cursors, redis, keyPrefix } = bundle;
    const { marks, markAges } = sourceKeys(keyPrefix, 'fires');
    const mark = async (): Promise<void> => {
      await redis.hset(marks, 'a-request', 'u 1 0 {}');
      await redis.zadd(markAges, 1, 'a-request');
    };
    await mark();
    await cursors.write('fires', 0, { value: 1, untilMs: 10 });
    expect(await redis.exists(marks, markAges)).toBe(2);
    expect(await cursors.reset('fires', 'ann', 7)).toBeNull();
    expect(await redis.exists(marks, markAges)).toBe(2);
    await cursors.reset('fires', 'ann');
    expect(await redis.exists(marks, markAges)).toBe(0);
    await mark();
    await cursors.set('fires', { value: 1 }, 'ann');
    expect(await redis.exists(marks, markAges)).toBe(0);
  });
});
