// What one round of ageing does and where it ends.
import { describe, expect, it } from 'vitest';
import {
  type AgeingSource,
  ageingIntervalMs,
  chunksPerPage,
  createAgeing,
  looksPerRound,
  raisesPerRound,
} from '../../src/ageing/raise-aged-chunks.ts';

/** Sources with so many chunks that are due, or that are old and stand right, and what the rounds did to them. */
const setup = (due: Readonly<Record<string, number>>, { standRight = false } = {}) => {
  const left = new Map(Object.entries(due));
  const raised: Record<string, number> = {};
  const looks: Record<string, number> = {};
  let pages = 0;
  const sources: readonly AgeingSource[] = Object.keys(due).map((id) => ({ id, ageingMs: 1_000 }));
  const round = createAgeing(
    {
      readPage: async ({ id }, fromScore, limit) => {
        pages += 1;
        if (standRight) {
          const seen = Math.min(limit, (due[id] ?? 0) - fromScore);
          looks[id] = (looks[id] ?? 0) + seen;
          const next = fromScore + seen;
          return { aged: [], next: next < (due[id] ?? 0) ? next : null, looks: seen };
        }
        const rest = left.get(id) ?? 0;
        const found = Math.min(rest, limit);
        left.set(id, rest - found);
        const aged = Array.from({ length: found }, (_, at) => ({ chunkId: `${id}-${fromScore + at}`, target: 3 }));
        return { aged, next: rest > found ? fromScore + found : null, looks: found };
      },
      raise: async (sourceId, aged) => {
        raised[sourceId] = (raised[sourceId] ?? 0) + aged.length;
        return aged.length;
      },
      logger: { debug: () => {} },
    },
    sources,
  );
  return { round, raised, looks, pages: () => pages };
};

const never = new AbortController().signal;

describe('a round of ageing', () => {
  it('looks once at every source', async () => {
    const { round, raised, pages } = setup({ a: 0, b: 3, c: 0 });
    await round(never);
    expect(raised).toEqual({ b: 3 });
    expect(pages()).toBe(3);
  });

  it('moves no more than its bound in all; the next one begins behind where it ended, so that nobody is left out', async () => {
    const many = raisesPerRound * 2;
    const { round, raised } = setup({ a: 10, b: many, c: 10 });
    await round(never);
    expect(raised).toEqual({ a: 10, b: raisesPerRound - 10 });
    await round(never);
    expect(raised).toEqual({ a: 10, b: 2 * raisesPerRound - 20, c: 10 });
    await round(never);
    expect(raised).toEqual({ a: 10, b: many, c: 10 });
  });

  it('looks at no more than its bound in all, and goes on with the next sources: everybody has a turn', async () => {
    const ids = Array.from({ length: 9 }, (_value, at) => `s${at}`);
    const { round, looks } = setup(Object.fromEntries(ids.map((id) => [id, 1_000_000])), { standRight: true });
    const sum = () => Object.values(looks).reduce((total, count) => total + count, 0);
    for (let rounds = 1; rounds <= ids.length; rounds += 1) {
      await round(never);
      expect(sum()).toBe(rounds * looksPerRound);
    }
    // As many looks as there are rounds' worth, shared evenly.
    expect(Object.values(looks)).toEqual(ids.map(() => looksPerRound));
  });

  it('gives back no turn to a source that could fill every round', async () => {
    const { round, raised } = setup({ a: 1_000_000, b: 10 });
    await round(never);
    await round(never);
    expect(raised['b']).toBe(10);
  });

  it('begins behind a source that could not be read, so that the others have their turn', async () => {
    const read: string[] = [];
    const sources = ['a', 'broken', 'c'].map((id) => ({ id, ageingMs: 1_000 }));
    const round = createAgeing(
      {
        readPage: async ({ id }) => {
          read.push(id);
          if (id === 'broken') throw new Error('no');
          return { aged: [], next: null, looks: 0 };
        },
        raise: async () => 0,
        logger: { debug: () => {} },
      },
      sources,
    );
    await expect(round(never)).rejects.toThrow('no');
    await expect(round(never)).rejects.toThrow('no');
    expect(read).toEqual(['a', 'broken', 'c', 'a', 'broken']);
  });

  it('goes through a source by pages', async () => {
    const { round, raised, pages } = setup({ a: 2 * chunksPerPage + 1 });
    await round(never);
    expect(raised).toEqual({ a: 2 * chunksPerPage + 1 });
    expect(pages()).toBe(3);
  });

  it('ends between two pages when the process stops', async () => {
    const { round, pages } = setup({ a: 10 });
    await expect(round(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
    expect(pages()).toBe(0);
  });

  it('with no source that ages does nothing', async () => {
    const { round, pages } = setup({});
    await round(never);
    expect(pages()).toBe(0);
  });
});

describe('rounds', () => {
  it.each([
    { name: 'every 5 s', ageing: [60_000, 600_000], interval: 5_000 },
    { name: 'as often as the quickest source rises', ageing: [60_000, 2_000], interval: 2_000 },
    { name: 'never more often than every second', ageing: [500], interval: 1_000 },
    { name: 'every 5 s when nothing ages', ageing: [], interval: 5_000 },
  ])('come $name', ({ ageing, interval }) => {
    expect(ageingIntervalMs(ageing.map((ageingMs, at) => ({ id: `s${at}`, ageingMs })))).toBe(interval);
  });
});
