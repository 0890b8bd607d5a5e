// The budget of a day on a real Redis: never more than it, whoever takes; what is given back; the turn of the day.
import { randomUUID } from 'node:crypto';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createDayBudget, type DayBudget, type Spender, type Taking } from '../../src/http/day-budget.ts';
import { dayBudgetFor } from '../../src/sources/shared-limit.ts';
import { createMemory, pollingSource, pollWith, request } from './memory-bundle.ts';
import { sayVersioned, scriptedHttp } from './scripted-http.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

/** Ten seconds before a day ends. */
const lateMs = Date.UTC(2026, 0, 2) - 10_000;
const noonMs = Date.UTC(2026, 0, 1, 12);

const setup = (startMs = noonMs) => {
  const clock = { nowMs: startMs };
  const keyPrefix = `test-${randomUUID()}`;
  const create = (): DayBudget => createDayBudget({ redis, keyPrefix, nowMs: () => clock.nowMs });
  return { clock, keyPrefix, create, budget: create() };
};

const spender = (perDay: number | null, sourceId = 'a'): Spender => ({ budget: 'b', sourceId, perDay });

const takingOf = async (budget: DayBudget, who: Spender, cost: number | null): Promise<Taking> => {
  const leave = await budget.take(who, cost);
  if (!leave.granted) throw new Error('refused');
  return leave.taking;
};

describe('a day budget', () => {
  it('is exact with ten workers that take at the same time', async () => {
    const { create } = setup();
    const workers = Array.from({ length: 10 }, create);
    const leaves = await Promise.all(
      workers.flatMap((worker, index) =>
        Array.from({ length: 20 }, () => worker.take(spender(1_000, `source-${index}`), 7)),
      ),
    );
    expect(leaves.filter(({ granted }) => granted)).toHaveLength(142);
    expect(await create().used('b')).toBe(994);
  });

  it('is asked again after a moment while others may get something back, else on the next day', async () => {
    const { clock, budget } = setup();
    const taking = await takingOf(budget, spender(10), 8);
    expect(await budget.take(spender(10), 3)).toEqual({ granted: false, waitMs: 5_000, used: 8, cost: 3 });
    await budget.correct(spender(10), taking, 8, true);
    expect(await budget.take(spender(10), 3)).toMatchObject({ granted: false, waitMs: 43_200_000 });
    await takingOf(budget, spender(10), 2);
    clock.nowMs += 120_000;
    expect(await budget.take(spender(10), 1)).toMatchObject({ granted: false, waitMs: 43_200_000 - 120_000 });
  });

  it('is spent by backfills to its half only, and what they got back they may spend again', async () => {
    const { clock, budget } = setup();
    const past = { ...spender(100, 'past'), isBackfill: true };
    const first = await takingOf(budget, past, 30);
    const second = await takingOf(budget, past, 20);
    expect(await budget.take(past, 1)).toMatchObject({ granted: false, waitMs: 5_000, used: 50 });
    await budget.correct(past, first, 10, true);
    await budget.correct(past, second, 20, true);
    await budget.correct(past, await takingOf(budget, past, 20), 20, true);
    expect(await budget.take(past, 1)).toMatchObject({ granted: false, waitMs: 43_200_000 });
    // All of the rest is for polls, and then nothing is for anybody.
    await takingOf(budget, spender(100), 50);
    expect(await budget.take(spender(100), 1)).toMatchObject({ granted: false });
    clock.nowMs += 43_200_000;
    await takingOf(budget, spender(100), 60);
    expect(await budget.take(past, 41)).toMatchObject({ granted: false });
    await takingOf(budget, past, 40);
  });

  it('expects what the last exchange of the source did cost', async () => {
    const { budget } = setup();
    const first = await takingOf(budget, spender(100), null);
    expect(first.cost).toBe(1);
    await budget.correct(spender(100), first, 2.5, true);
    const second = await takingOf(budget, spender(100), null);
    expect(second.cost).toBe(2.5);
    await budget.correct(spender(100), second, 0, false);
    expect((await takingOf(budget, spender(100), null)).cost).toBe(2.5);
    expect((await takingOf(budget, spender(100, 'another'), null)).cost).toBe(1);
    expect(await budget.used('b')).toBe(6);
  });

  it('begins anew with the UTC day, and holds what arrives on the new one', async () => {
    const { clock, budget } = setup(lateMs);
    const taking = await takingOf(budget, spender(10), 6);
    expect(taking.leftMs).toBe(10_000);
    expect(await budget.take(spender(10), 6)).toMatchObject({ granted: false, waitMs: 5_000 });
    clock.nowMs += 10_000;
    expect(await budget.used('b')).toBe(0);
    const arrived = await budget.correct(spender(10), taking, 6, false);
    expect(await budget.used('b')).toBe(6);
    await budget.correct(spender(10), arrived, 2, true);
    expect(await budget.used('b')).toBe(2);
  });

  it('stays in its day when the clock of Redis is set back', async () => {
    const { clock, budget } = setup(lateMs + 10_000);
    await budget.correct(spender(10), await takingOf(budget, spender(10), 10), 10, true);
    clock.nowMs -= 20_000;
    expect(await budget.take(spender(10), 1)).toMatchObject({ granted: false, waitMs: 86_420_000 });
  });

  it('tells once a day that four fifths are spent', async () => {
    const { clock, budget } = setup();
    const tell = async (cost: number): Promise<boolean> => {
      const leave = await budget.take(spender(10), cost);
      return leave.granted && leave.isMostSpent;
    };
    expect([await tell(7), await tell(1), await tell(1)]).toEqual([false, true, false]);
    clock.nowMs += 86_400_000;
    expect([await tell(7), await tell(2)]).toEqual([false, true]);
  });

  it('is counted without a limit too', async () => {
    const { budget } = setup();
    await takingOf(budget, spender(null), 5_000);
    expect(await budget.used('b')).toBe(5_000);
  });

  it('never holds less than what was taken and not given back, and never more than the limit', async () => {
    type Act = { readonly act: 'take' | 'correct' | 'wait'; readonly amount: number };
    const acts = fc.array(
      fc.record<Act>({
        act: fc.constantFrom('take', 'take', 'correct', 'wait'),
        amount: fc.integer({ min: 0, max: 9 }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(acts, async (steps) => {
        const { clock, create } = setup(lateMs);
        const workers = [create(), create()];
        const limit = 20;
        let day = Math.floor(clock.nowMs / 86_400_000);
        let spent = 0;
        let over = 0;
        const open: Taking[] = [];
        const wrong: unknown[] = [];
        for (const [index, { act, amount }] of steps.entries()) {
          const worker = workers[index % 2];
          if (worker === undefined) throw new Error('no worker');
          if (act === 'wait') {
            clock.nowMs += amount * 1_000;
            if (Math.floor(clock.nowMs / 86_400_000) !== day) {
              day += 1;
              spent = 0;
              over = 0;
            }
          } else if (act === 'take') {
            const leave = await worker.take(spender(limit), amount);
            if (leave.granted !== spent + amount <= limit) wrong.push({ index, leave, spent, amount });
            if (leave.granted) {
              spent += amount;
              open.push(leave.taking);
            }
          } else {
            const taking = open.pop();
            if (taking === undefined) continue;
            await worker.correct(spender(limit), taking, amount, true);
            const change = amount - (taking.day === day ? taking.cost : 0);
            spent += change;
            over += Math.max(0, change);
          }
          const used = await worker.used('b');
          if (used !== spent || spent > limit + over) wrong.push({ index, used, spent, over });
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('an exchange', () => {
  const source = pollingSource('a', { dailyBudget: 10, cacheTtlSeconds: 0 });
  const { budget: name } = dayBudgetFor(source, []);
  const fleet = (say: Parameters<typeof scriptedHttp>[0], startMs = noonMs) => {
    const memory = createMemory(redis, { startMs });
    const inner = scriptedHttp(say);
    const budget = createDayBudget({ redis, keyPrefix: memory.keyPrefix, nowMs: () => memory.clock.nowMs });
    return { memory, inner, http: memory.process(inner), used: () => budget.used(name) };
  };

  it('is refused before it leaves when the day is spent, until the next', async () => {
    const { http, inner, used } = fleet(() => ({ body: '1' }));
    const poll = pollWith(http, source);
    for (const cost of [6, 4]) await (await poll.fetch({ ...request, cost })).text();
    await expect(poll.fetch({ ...request, cost: 11 })).rejects.toMatchObject({
      code: 'budget_exhausted',
      message: 'http://provider.test/alerts?area=CA: one request costs 11, which is more than the dailyBudget of 10',
    });
    await expect(poll.fetch(request)).rejects.toMatchObject({ code: 'budget_exhausted', retryAfterMs: 5_000 });
    expect(inner.asked).toHaveLength(2);
    expect(await used()).toBe(10);
  });

  it.each(['host_busy', 'budget_exhausted', 'stopped'] as const)(
    'gives back what it took when it never left: %s',
    async (code) => {
      const { http, used } = fleet(() => ({ refusal: new StreamManagerError(code, 'not now') }));
      await expect(pollWith(http, source).fetch({ ...request, cost: 4 })).rejects.toMatchObject({ code });
      expect(await used()).toBe(0);
    },
  );

  it('keeps what it took when it failed on its way', async () => {
    const { http, used } = fleet(() => ({ fault: new StreamManagerError('fetch_timeout', 'silent') }));
    await expect(pollWith(http, source).fetch({ ...request, cost: 4 })).rejects.toMatchObject({
      code: 'fetch_timeout',
    });
    expect(await used()).toBe(4);
  });

  it('costs nothing when nothing changed, and nothing out of the cache', async () => {
    const { http, used } = fleet(sayVersioned(() => ({ etag: '"1"', body: '[1]' })));
    const poll = pollWith(http, source);
    const response = await poll.fetch({ ...request, cost: 4 });
    await response.text();
    const receipt = response.receipt();
    await poll.useUp(receipt === null ? [] : [receipt]);
    expect((await poll.fetch({ ...request, cost: 4 })).unchanged).toBe('not_modified');
    expect(await used()).toBe(4);
    const cached = pollingSource('b', { dailyBudget: 10 });
    for (let time = 0; time < 3; time += 1) await (await pollWith(http, cached).fetch({ ...request, cost: 4 })).text();
    expect(await used()).toBe(8);
  });

  it('costs what its answer shows, once, and the next is expected to cost that', async () => {
    const { http, used } = fleet(() => ({ body: '1' }));
    const poll = pollWith(http, source);
    const response = await poll.fetch(request);
    await Promise.all([response.charge(3), response.charge(5)]);
    await response.charge(Number.NaN);
    expect(await used()).toBe(5);
    await (await poll.fetch(request)).text();
    expect(await used()).toBe(10);
  });

  it('is counted for a source without a budget when its answer shows a cost', async () => {
    const { http, used } = fleet(() => ({ body: '1' }));
    const free = pollingSource('a', { cacheTtlSeconds: 0 });
    await (await pollWith(http, free).fetch(request)).charge(12);
    await (await pollWith(http, free).fetch({ ...request, cost: 3 })).text();
    expect(await used()).toBe(15);
  });

  it('draws on the budget in a backfill too, on half of it, and tells when most of it is spent', async () => {
    const { http, used, memory } = fleet(() => ({ body: '1' }));
    await pollWith(http, source, true).fetch({ ...request, cost: 4 });
    expect(await used()).toBe(4);
    await expect(pollWith(http, source, true).fetch({ ...request, cost: 2 })).rejects.toThrow(
      'the dailyBudget of 10, or the half of it that is for backfills, is spent: 4 are taken',
    );
    await expect(pollWith(http, source, true).fetch({ ...request, cost: 6 })).rejects.toThrow(
      'one request costs 6, which is more than half of the dailyBudget of 10',
    );
    await pollWith(http, source).fetch({ ...request, cost: 4 });
    expect(memory.warnings).toEqual([
      { fields: { sourceId: 'a', used: 8, dailyBudget: 10 }, message: 'most of the daily budget is spent' },
    ]);
  });
});
