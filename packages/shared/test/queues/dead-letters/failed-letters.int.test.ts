// Failed letters on a real Redis: they are counted and removed by age and by id, and nobody removes one that is retried.
import { describe, expect, it } from 'vitest';
import { createFailedLetters } from '../../../src/queues/dead-letters/failed-letters.ts';
import { retryLetter } from '../../../src/queues/dead-letters/retry-letter.ts';
import { startOwnRedis } from '../own-redis.ts';
import { letterOf, openLetters } from './letter-bundle.ts';

const setup = async (count: number) => {
  const part = openLetters();
  await part.add(Array.from({ length: count }, (_, n) => letterOf('firms', n)));
  await part.failAll();
  // Their times are set by hand: letter n failed at n ms.
  const failed = part.queue().toKey('failed');
  for (let n = 0; n < count; n += 1) await part.redis.zadd(failed, n, `letter-${n}-0`);
  return { ...part, letters: createFailedLetters(part.redis, part.keyPrefix) };
};

describe('failed letters', () => {
  it('are counted up to a time', async () => {
    await using part = await setup(10);
    expect(await part.letters.countUntil(['firms', 'none'], 4)).toEqual(
      new Map([
        ['firms', 5],
        ['none', 0],
      ]),
    );
  });

  it('grow old by the clock of Redis', async () => {
    await using part = await setup(1);
    const [before] = await part.redis.time();
    const now = await part.letters.now();
    expect(now / 1_000 - Number(before)).toBeLessThan(60);
    expect(Math.floor(now / 1_000)).toBeGreaterThanOrEqual(Number(before));
  });

  it('are removed by age, the oldest first, not more than asked for, and their bytes go with them', async () => {
    await using part = await setup(1_200);
    expect(await part.letters.removeUntil('firms', 999, 700)).toBe(700);
    expect(await part.queue().getJob('letter-699-0')).toBeUndefined();
    expect(await part.queue().getJob('letter-700-0')).toBeDefined();
    expect(await part.letters.removeUntil('firms', 999, 700)).toBe(300);
    expect(await part.letters.removeUntil('firms', 999, 700)).toBe(0);
    const counted = (await part.stocks.read(['firms'])).get('firms');
    expect(counted?.letters).toBe(200);
    expect(await part.stocks.measure('firms')).toEqual(counted);
  });

  it('are removed by id; one that is being retried or is not there stays what it is', async () => {
    await using part = await setup(3);
    await (await part.queue().getJob('letter-1-0'))?.retry('failed');
    expect(await part.letters.remove('firms', ['letter-0-0', 'letter-1-0', 'nobody'])).toEqual([true, false, false]);
    expect(await part.queue().getJobState('letter-1-0')).toBe('waiting');
    expect(await part.queue().getJob('letter-0-0')).toBeUndefined();
  });

  it('are removed and retried in a Redis at its memory limit, too', async () => {
    await using server = await startOwnRedis();
    await using part = openLetters(['firms'], server.url);
    await part.add([1, 2, 3].map((n) => letterOf('firms', n)));
    await part.failAll();
    await part.redis.config('SET', 'maxmemory', '1');
    await expect(part.redis.set('probe', 'x')).rejects.toThrow('OOM');
    const letters = createFailedLetters(part.redis, part.keyPrefix);
    expect(await letters.remove('firms', ['letter-1-0'])).toEqual([true]);
    expect(await letters.removeUntil('firms', Date.now(), 1)).toBe(1);
    expect((await part.stocks.read(['firms'])).get('firms')?.letters).toBe(1);
    expect(await retryLetter(part.queue(), 'letter-3-0')).toBe('retried');
    await part.redis.config('SET', 'maxmemory', '0');
    const bytes = Buffer.byteLength(JSON.stringify(letterOf('firms', 3).data));
    expect((await part.stocks.read(['firms'])).get('firms')).toEqual({ letters: 1, bytes });
  });
});
