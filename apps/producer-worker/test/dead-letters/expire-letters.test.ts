import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createLetterExpiry } from '../../src/dead-letters/expire-letters.ts';

const dayMs = 86_400_000;
const signal = new AbortController().signal;

/** Letters by the time of their failure, in days. */
const setup = (failedAtDays: Readonly<Record<string, readonly number[]>>, keepDays = 14) => {
  const lying = new Map(Object.entries(failedAtDays).map(([id, days]) => [id, days.map((day) => day * dayMs)]));
  const state = { now: 0 };
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const expiry = createLetterExpiry(
    {
      letters: {
        now: async () => state.now,
        countUntil: async (ids, at) =>
          new Map(ids.map((id) => [id, (lying.get(id) ?? []).filter((time) => time <= at).length])),
        removeUntil: async (id, at, limit) => {
          const times = lying.get(id) ?? [];
          const going = times.filter((time) => time <= at).slice(0, limit);
          lying.set(
            id,
            times.filter((time) => !going.includes(time)),
          );
          return going.length;
        },
      },
      metrics,
      logger: pino({ level: 'warn', base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
    },
    { keepDays },
  );
  return {
    lying,
    lines,
    round: (nowDays: number) => {
      state.now = nowDays * dayMs;
      return expiry([...lying.keys()], signal);
    },
    expired: async () => (await metrics.deadLettersExpiredTotal.get()).values,
  };
};

describe('the expiry of dead letters', () => {
  it('removes those that lie longer than keepDays, counts them, and says so once a round', async () => {
    const part = setup({ a: [0, 1, 2, 20], b: [20], c: [] });
    await part.round(15.5);
    expect(part.lying.get('a')).toEqual([2 * dayMs, 20 * dayMs]);
    expect(await part.expired()).toEqual([{ labels: { source: 'a' }, value: 2 }]);
    expect(part.lines).toEqual([
      { level: 40, sourceId: 'a', expired: 2, keepDays: 14, msg: 'dead letters have expired' },
      { level: 40, sourceId: 'a', expiring: 1, msg: 'dead letters expire within a day: replay or discard them' },
    ]);
  });

  it('warns a day before, once a day and source', async () => {
    const part = setup({ a: [0, 0.5], b: [1] });
    await part.round(12.9);
    expect(part.lines).toEqual([]);
    for (const now of [13, 13.1, 13.9]) await part.round(now);
    expect(part.lines).toMatchObject([{ sourceId: 'a', expiring: 1 }]);
    await part.round(13.999);
    await part.round(14.0);
    expect(part.lines.slice(1)).toMatchObject([
      { sourceId: 'a', expired: 1 },
      { sourceId: 'a', expiring: 1 },
      { sourceId: 'b', expiring: 1 },
    ]);
  });

  it('takes a part of a day', async () => {
    const part = setup({ a: [0, 0.02] }, 0.01);
    await part.round(0.021);
    expect(part.lying.get('a')).toEqual([0.02 * dayMs]);
  });
});
