import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CollectorOptions, chooseBatch, createCollector, type Gatherable } from '../../src/delivery/collect.ts';

interface Piece extends Gatherable {
  readonly name: string;
}

const piece = (name: string, records: number, priority: Piece['priority'] = 3): Piece => ({
  name,
  records,
  priority,
  giveBack: () => {},
});

/** A collector with sends that end when the test says so, and a clock that the test moves. */
const setup = (options: Partial<CollectorOptions> = {}) => {
  const sends: { readonly batch: readonly Piece[]; readonly answer: () => void }[] = [];
  let now = 0;
  const gate = { isOpen: true };
  const timers: { readonly at: number; readonly act: () => void }[] = [];
  const collector = createCollector<Piece>(
    {
      enter: () => (gate.isOpen ? { end: () => {} } : null),
      send: (batch) => new Promise((resolve) => sends.push({ batch, answer: resolve })),
      now: () => now,
      after: (delayMs, act) => {
        const timer = { at: now + delayMs, act };
        timers.push(timer);
        return () => {
          const index = timers.indexOf(timer);
          if (index >= 0) timers.splice(index, 1);
        };
      },
    },
    { batchSize: 500, batchTimeoutMs: 5_000, maxInFlight: 4, ...options },
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    collector,
    gate,
    sends,
    names: () => sends.map(({ batch }) => batch.map(({ name }) => name).join('')),
    take: (...pieces: readonly Piece[]) => {
      for (const one of pieces) {
        collector.expect();
        collector.add([one]);
      }
    },
    answer: async (index: number) => {
      sends[index]?.answer();
      await settle();
    },
    advance: (ms: number) => {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.act();
      }
    },
    timers,
  };
};

describe('chooseBatch', () => {
  const idle = { inFlight: 0, beingTaken: 0, isOverdue: false };
  const one = [piece('a', 10)];
  it.each([
    { name: 'nothing waits', state: { ...idle, waiting: [] }, pieces: 0 },
    { name: 'a lone piece goes at once', state: { ...idle, waiting: one }, pieces: 1 },
    { name: 'a piece waits for one that is being taken', state: { ...idle, waiting: one, beingTaken: 1 }, pieces: 0 },
    { name: 'a piece waits behind a send', state: { ...idle, waiting: one, inFlight: 1 }, pieces: 0 },
    {
      name: 'an overdue piece goes beside a send',
      state: { ...idle, waiting: one, inFlight: 1, isOverdue: true },
      pieces: 1,
    },
    { name: 'a full batch goes beside a send', state: { ...idle, waiting: [piece('a', 500)], inFlight: 1 }, pieces: 1 },
    {
      name: 'what does not fit any more makes a batch full',
      state: { ...idle, waiting: [piece('a', 300), piece('b', 300)], inFlight: 1 },
      pieces: 1,
    },
    {
      name: 'small pieces fill a batch exactly',
      state: { ...idle, waiting: [piece('a', 300), piece('b', 200), piece('c', 1)], inFlight: 1 },
      pieces: 2,
    },
    {
      name: 'a piece larger than a batch goes alone',
      state: { ...idle, waiting: [piece('a', 900), piece('b', 1)], inFlight: 1 },
      pieces: 1,
    },
    {
      name: 'no slot is free',
      state: { ...idle, waiting: [piece('a', 500)], inFlight: 4, isOverdue: true },
      pieces: 0,
    },
  ])('$name', ({ state, pieces }) => {
    expect(chooseBatch(state, { batchSize: 500, maxInFlight: 4 })).toBe(pieces);
  });
});

describe('createCollector', () => {
  it('sends a lone chunk at once and gathers the next ones behind it', async () => {
    const { take, answer, names } = setup();
    take(piece('a', 1), piece('b', 1), piece('c', 1));
    expect(names()).toEqual(['a']);
    await answer(0);
    expect(names()).toEqual(['a', 'bc']);
  });

  it('lets full batches go beside each other, up to the slots', async () => {
    const { take, answer, names } = setup({ maxInFlight: 2 });
    take(piece('a', 500), piece('b', 500), piece('c', 500));
    expect(names()).toEqual(['a', 'b']);
    await answer(1);
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  it('puts the most urgent pieces of what waits into the next batch, equal ones in their order', async () => {
    const { take, answer, names } = setup();
    take(piece('0', 1), piece('l', 1, 4), piece('n', 1, 3), piece('c', 1, 1), piece('N', 1, 3), piece('C', 1, 1));
    await answer(0);
    expect(names()[1]).toBe('cCnNl');
  });

  it('waits for a chunk that is being taken, and goes when it turns out to be settled', () => {
    const { collector, names } = setup();
    collector.expect();
    collector.expect();
    collector.add([piece('a', 1)]);
    expect(names()).toEqual([]);
    collector.dismiss();
    expect(names()).toEqual(['a']);
  });

  it('sends what waited for the timeout beside a send that takes long', async () => {
    const { take, advance, names, answer } = setup();
    take(piece('a', 1), piece('b', 1));
    advance(4_999);
    take(piece('c', 1));
    expect(names()).toEqual(['a']);
    advance(1);
    expect(names()).toEqual(['a', 'bc']);
    await answer(0);
    await answer(1);
    expect(names()).toEqual(['a', 'bc']);
  });

  it('leaves no timer behind when nothing waits', async () => {
    const { take, answer, timers } = setup();
    take(piece('a', 1), piece('b', 1));
    expect(timers).toHaveLength(1);
    await answer(0);
    expect(timers).toHaveLength(0);
    await answer(1);
    expect(timers).toHaveLength(0);
  });

  it('waits while there is no leave, most urgent first, and goes when it is woken', () => {
    const { collector, gate, take, names } = setup();
    gate.isOpen = false;
    take(piece('n', 1), piece('c', 1, 1));
    expect(names()).toEqual([]);
    gate.isOpen = true;
    collector.wake();
    expect(names()).toEqual(['cn']);
  });

  it('gives back what waits, and not what is on its way', async () => {
    const { collector, take, names, timers, answer } = setup();
    const back: string[] = [];
    take(piece('a', 1), { ...piece('b', 1), giveBack: () => back.push('b') });
    collector.giveBack();
    expect(back).toEqual(['b']);
    expect(timers).toHaveLength(0);
    await answer(0);
    expect(names()).toEqual(['a']);
  });

  it('never starves a worker whose slots are all held: 64 small chunks over 16 slots need no timeout', async () => {
    const { collector, sends, timers } = setup({ batchTimeoutMs: 1_000_000 });
    let next = 0;
    let held = 0;
    const fill = (): void => {
      while (held < 16 && next < 64) {
        collector.expect();
        collector.add([piece(String(next), 1)]);
        next += 1;
        held += 1;
      }
    };
    fill();
    let answered = 0;
    for (let at = 0; at < sends.length; at += 1) {
      held -= sends[at]?.batch.length ?? 0;
      answered += sends[at]?.batch.length ?? 0;
      sends[at]?.answer();
      await new Promise((resolve) => setImmediate(resolve));
      fill();
    }
    expect(answered).toBe(64);
    expect(timers).toHaveLength(0);
  });

  it('sends every piece exactly once, in bounded batches, whatever comes in whatever order', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        records: fc.integer({ min: 1, max: 500 }),
        priority: fc.constantFrom(1, 2, 3, 4),
      }),
      fc.record({ kind: fc.constant('dismiss' as const) }),
      fc.record({ kind: fc.constant('answer' as const), which: fc.nat(3) }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { collector, sends, advance, answer } = setup();
        const open = new Set<number>();
        const added: string[] = [];
        let seen = 0;
        const look = (): void => {
          for (; seen < sends.length; seen += 1) open.add(seen);
          expect(open.size).toBeLessThanOrEqual(4);
        };
        for (const one of steps) {
          if (one.kind === 'add') {
            const name = `${added.length};`;
            added.push(name);
            collector.expect();
            collector.add([piece(name, one.records, one.priority)]);
          } else if (one.kind === 'dismiss') {
            collector.expect();
            collector.dismiss();
          } else if (one.kind === 'advance') advance(one.ms);
          else {
            const index = [...open][one.which];
            if (index !== undefined) {
              open.delete(index);
              await answer(index);
            }
          }
          look();
        }
        while (open.size > 0) {
          const [index] = open;
          open.delete(index ?? 0);
          await answer(index ?? 0);
          look();
        }
        const sent = sends.flatMap(({ batch }) => batch.map(({ name }) => name));
        expect(sent.toSorted()).toEqual(added.toSorted());
        for (const { batch } of sends)
          expect(batch.reduce((sum, { records }) => sum + records, 0)).toBeLessThanOrEqual(500);
      }),
      { numRuns: 200 },
    );
  });
});
