// The limits of dead letters on a real Redis, with several workers that add at once.
import { describe, expect, it } from 'vitest';
import { createAddFittingLetters } from '../../../src/queues/dead-letters/add-fitting-letters.ts';
import { type LetterLimits, type LetterShare, lettersFull } from '../../../src/queues/dead-letters/letter-stock.ts';
import type { DeadLetter } from '../../../src/queues/dead-letters.ts';
import { sourceKeys } from '../../../src/queues/keys.ts';
import { startOwnRedis } from '../own-redis.ts';
import { letterOf, openLetters } from './letter-bundle.ts';

const setup = (limits: Partial<LetterLimits>, redisUrl?: string, share: LetterShare = 'whole') => {
  const part = openLetters(['firms'], redisUrl);
  const add = createAddFittingLetters(
    { redis: part.redis, queue: () => part.queue() },
    { keyPrefix: part.keyPrefix, limits: { maxRecords: 1_000, maxBytes: 1_000_000_000, ...limits }, share },
  );
  return {
    ...part,
    addFitting: (letters: readonly DeadLetter[]) => add('firms', letters),
    stock: async () => (await part.stocks.read(['firms'])).get('firms'),
    reserved: sourceKeys(part.keyPrefix, 'firms').letterRoom,
  };
};

const letters = (from: number, count: number): readonly DeadLetter[] =>
  Array.from({ length: count }, (_, n) => letterOf('firms', from + n));
const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;

describe('letters that are added within the limits', () => {
  it('are all added where there is room, and leave no reservation', async () => {
    await using part = setup({});
    const added = await part.addFitting(letters(0, 450));
    expect([count(added.lie), count(added.isNew), added.full]).toEqual([450, 450, null]);
    expect(await part.stock()).toMatchObject({ letters: 450 });
    expect(await part.redis.exists(part.reserved)).toBe(0);
    expect(await part.addFitting([])).toEqual({ lie: [], isNew: [], full: null });
  });

  it('reach the limit exactly, however many workers add at once', async () => {
    await using part = setup({ maxRecords: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, worker) => part.addFitting(letters(worker * 200, 200))),
    );
    expect(answers.reduce((sum, { lie }) => sum + count(lie), 0)).toBe(1_000);
    expect(await part.stock()).toMatchObject({ letters: 1_000 });
    expect(answers.filter(({ full }) => full !== null).length).toBeGreaterThan(6);
    const { lie, full } = await part.addFitting(letters(5_000, 3));
    expect([lie, full]).toEqual([
      [false, false, false],
      expect.stringContaining('1,000 dead letters of 1,000 allowed'),
    ]);
    expect(await part.redis.exists(part.reserved)).toBe(0);
  });

  it('reach the limit of bytes with the last one that fits, and have room again when one goes', async () => {
    await using part = setup({ maxBytes: 1_000 });
    const size = Buffer.byteLength(JSON.stringify(letterOf('firms', 1).data));
    const fitting = Math.ceil(1_000 / size);
    const { lie, full } = await part.addFitting(letters(1, 9));
    expect(lie).toEqual(Array.from({ length: 9 }, (_, index) => index < fitting));
    expect(full).toContain('bytes of 1,000 allowed');
    await part.queue().remove('letter-1-0');
    await part.stocks.measure('firms');
    expect((await part.addFitting(letters(9, 1))).full).toBeNull();
  });

  it('need no room if they lie there already: a worker that was killed half-way goes on', async () => {
    await using part = setup({ maxRecords: 5 });
    await part.addFitting(letters(0, 5));
    const again = await part.addFitting(letters(0, 6));
    expect(again.lie).toEqual([true, true, true, true, true, false]);
    expect(count(again.isNew)).toBe(0);
    expect((await part.addFitting(letters(0, 5))).full).toBeNull();
    expect(await part.stock()).toMatchObject({ letters: 5 });
  });

  it('take account of what others are about to add, until a killed one is over its time', async () => {
    await using part = setup({ maxRecords: 5 });
    const [seconds] = await part.redis.time();
    await part.redis.zadd(part.reserved, (Number(seconds) + 60) * 1_000, '4 100 a-worker');
    expect((await part.addFitting(letters(0, 3))).lie).toEqual([true, false, false]);
    await part.redis.zadd(part.reserved, (Number(seconds) - 1) * 1_000, '4 100 a-worker');
    expect((await part.addFitting(letters(0, 3))).full).toBeNull();
    expect(await part.redis.exists(part.reserved)).toBe(0);
  });

  it('leave no reservation where Redis refuses them', async () => {
    await using server = await startOwnRedis();
    await using part = setup({}, server.url);
    await part.redis.config('SET', 'maxmemory', '1');
    await expect(part.addFitting(letters(0, 3))).rejects.toThrow('OOM');
    expect(await part.redis.exists(part.reserved)).toBe(0);
    await part.redis.config('SET', 'maxmemory', '0');
    expect((await part.addFitting(letters(0, 3))).full).toBeNull();
  });
});

describe('letters that may fill half of the limits', () => {
  it('find room while less than half is taken, by letters of any kind, however many workers add at once', async () => {
    await using part = setup({ maxRecords: 100 }, undefined, 'half');
    await part.add(letters(1_000, 20));
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => part.addFitting(letters(n * 10, 10))));
    expect(answers.reduce((sum, { lie }) => sum + count(lie), 0)).toBe(30);
    expect((await part.addFitting(letters(90, 1))).full).toContain(
      '50 dead letters of 100 allowed (delivery.deadLetters.maxRecords), of which dropped records may fill half',
    );
  });

  it('never reach the whole of the bytes, however large one is', async () => {
    const limits = { maxRecords: 1_000, maxBytes: 10_000 };
    await using part = setup(limits, undefined, 'half');
    const sized = (n: number, bytes: number) => {
      const data = (text: string) => ({ record: { id: `record-${n}`, text } });
      const empty = Buffer.byteLength(JSON.stringify(letterOf('firms', n, data('')).data));
      return letterOf('firms', n, data('x'.repeat(bytes - empty)));
    };
    // The first of all would be added whatever its size, and the one that reaches a limit may pass it.
    expect((await part.addFitting([sized(1, 5_001)])).lie).toEqual([false]);
    expect((await part.addFitting([sized(2, 4_999), sized(3, 5_000), sized(4, 600)])).lie).toEqual([true, true, false]);
    const stock = (await part.stock())!;
    expect(stock.bytes).toBe(9_999);
    expect(lettersFull(stock, limits)).toBeNull();
  });
});
