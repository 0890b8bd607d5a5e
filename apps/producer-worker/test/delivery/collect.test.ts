import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AskingBatch,
  type CollectorOptions,
  chooseBatch,
  createCollector,
  type Gatherable,
  type Leave,
} from '../../src/delivery/collect.ts';

interface Piece extends Gatherable {
  readonly name: string;
}

const piece = (name: string, records: number, priority: Piece['priority'] = 3): Piece => ({
  name,
  chunkId: name,
  records,
  priority,
  giveBack: () => {},
});

/** A collector with sends that end when the test says so, and a clock that the test moves. */
const setup = ({
  batchSize = 500,
  ...options
}: Partial<Omit<CollectorOptions, 'batchRecords'>> & { readonly batchSize?: number } = {}) => {
  const sends: { readonly batch: readonly Piece[]; readonly answer: () => void }[] = [];
  let now = 0;
  /** `refuses`: who asks gets no leave, and `leave` is what is left then. */
  const gate: { leave: Leave; batchRecords: number; refuses: Leave | null; asked: AskingBatch[]; refused: number } = {
    leave: 'any',
    batchRecords: batchSize,
    refuses: null,
    asked: [],
    refused: 0,
  };
  const timers: { readonly at: number; readonly act: () => void }[] = [];
  const collector = createCollector<Piece>(
    {
      enter: async (batch) => {
        gate.asked.push(batch);
        await Promise.resolve();
        if (gate.refuses === null || (batch.priority === 1 && gate.refuses === 'critical')) return { end: () => {} };
        gate.leave = gate.refuses;
        return null;
      },
      leave: () => gate.leave,
      onRefused: () => {
        gate.refused += 1;
      },
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
    { batchRecords: () => gate.batchRecords, batchTimeoutMs: 5_000, maxInFlight: 4, ...options },
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    collector,
    gate,
    sends,
    names: () => sends.map(({ batch }) => batch.map(({ name }) => name).join('')),
    settle,
    take: async (...pieces: readonly Piece[]) => {
      for (const one of pieces) {
        collector.expect();
        collector.add([one]);
      }
      await settle();
    },
    answer: async (index: number) => {
      sends[index]?.answer();
      await settle();
    },
    advance: async (ms: number) => {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.act();
      }
      await settle();
    },
    timers,
  };
};

describe('chooseBatch', () => {
  const idle = { inFlight: 0, beingTaken: 0, isOverdue: false, leave: 'any' as Leave };
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
      name: 'a critical piece goes beside a send',
      state: { ...idle, waiting: [piece('c', 1, 1)], inFlight: 1, beingTaken: 1 },
      pieces: 1,
    },
    {
      name: 'critical pieces go without the others behind them',
      state: { ...idle, waiting: [piece('c', 1, 1), piece('C', 1, 1), piece('n', 1)] },
      pieces: 2,
    },
    {
      name: 'a critical piece has a slot more than the others',
      state: { ...idle, waiting: [piece('c', 1, 1)], inFlight: 4 },
      pieces: 1,
    },
    {
      name: 'that slot is taken, too',
      state: { ...idle, waiting: [piece('c', 1, 1)], inFlight: 5 },
      pieces: 0,
    },
    {
      name: 'nothing but critical pieces may ask',
      state: { ...idle, leave: 'critical' as const, waiting: one },
      pieces: 0,
    },
    {
      name: 'a critical piece may ask then',
      state: { ...idle, leave: 'critical' as const, waiting: [piece('c', 1, 1), ...one] },
      pieces: 1,
    },
    {
      name: 'nobody may ask',
      state: { ...idle, leave: 'none' as const, waiting: [piece('c', 1, 1), ...one] },
      pieces: 0,
    },
    {
      name: 'no slot is free',
      state: { ...idle, waiting: [piece('a', 500)], inFlight: 4, isOverdue: true },
      pieces: 0,
    },
  ])('$name', ({ state, pieces }) => {
    expect(chooseBatch(state, { batchRecords: 500, maxInFlight: 4 })).toBe(pieces);
  });
});

describe('createCollector', () => {
  it('sends a lone chunk at once and gathers the next ones behind it', async () => {
    const { take, answer, names } = setup();
    await take(piece('a', 1), piece('b', 1), piece('c', 1));
    expect(names()).toEqual(['a']);
    await answer(0);
    expect(names()).toEqual(['a', 'bc']);
  });

  it('lets full batches go beside each other, up to the slots', async () => {
    const { take, answer, names } = setup({ maxInFlight: 2 });
    await take(piece('a', 500), piece('b', 500), piece('c', 500));
    expect(names()).toEqual(['a', 'b']);
    await answer(1);
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  it('puts the most urgent pieces of what waits into the next batch, equal ones in their order', async () => {
    const { take, answer, names } = setup();
    await take(piece('0', 1), piece('l', 1, 4), piece('n', 1, 3), piece('h', 1, 2), piece('N', 1, 3), piece('H', 1, 2));
    await answer(0);
    expect(names()[1]).toBe('hHnNl');
  });

  it('waits for a chunk that is being taken, and goes when it turns out to be settled', async () => {
    const { collector, names, settle } = setup();
    collector.expect();
    collector.expect();
    collector.add([piece('a', 1)]);
    await settle();
    expect(names()).toEqual([]);
    collector.dismiss();
    await settle();
    expect(names()).toEqual(['a']);
  });

  it('sends what waited for the timeout beside a send that takes long', async () => {
    const { take, advance, names, answer } = setup();
    await take(piece('a', 1), piece('b', 1));
    await advance(4_999);
    await take(piece('c', 1));
    expect(names()).toEqual(['a']);
    await advance(1);
    expect(names()).toEqual(['a', 'bc']);
    await answer(0);
    await answer(1);
    expect(names()).toEqual(['a', 'bc']);
  });

  it('leaves no timer behind when nothing waits', async () => {
    const { take, answer, timers } = setup();
    await take(piece('a', 1), piece('b', 1));
    expect(timers).toHaveLength(1);
    await answer(0);
    expect(timers).toHaveLength(0);
    await answer(1);
    expect(timers).toHaveLength(0);
  });

  it('waits while there is no leave, most urgent first, and goes when it is woken', async () => {
    const { collector, gate, take, names, settle } = setup();
    gate.leave = 'none';
    await take(piece('l', 1, 4), piece('n', 1), piece('c', 1, 1));
    expect(names()).toEqual([]);
    expect(gate.asked).toEqual([]);
    gate.leave = 'any';
    collector.wake();
    await settle();
    expect(names()).toEqual(['c']);
    expect(gate.asked).toEqual([{ records: 1, priority: 1 }]);
  });

  it('puts what got no leave back to its place and asks no more before it is woken', async () => {
    const { collector, gate, take, names, settle } = setup();
    gate.refuses = 'critical';
    await take(piece('a', 1), piece('b', 1));
    await take(piece('c', 1));
    expect(gate).toMatchObject({ asked: [{ records: 1, priority: 3 }], refused: 1 });
    gate.refuses = null;
    gate.leave = 'any';
    collector.wake();
    await settle();
    expect(names()).toEqual(['abc']);
  });

  it('sends critical pieces while the others have to wait', async () => {
    const { gate, take, names, answer } = setup();
    gate.refuses = 'critical';
    await take(piece('a', 1), piece('c', 1, 1), piece('d', 1, 1));
    expect(names()).toEqual(['c', 'd']);
    await answer(0);
    await answer(1);
    expect(names()).toEqual(['c', 'd']);
  });

  it('gives back the least urgent piece for one that is more urgent', async () => {
    const { collector, gate, take } = setup();
    gate.leave = 'critical';
    const back: string[] = [];
    await take(
      { ...piece('n', 1, 3), giveBack: () => back.push('n') },
      { ...piece('l', 1, 4), giveBack: () => back.push('l') },
    );
    expect(collector.leastUrgent()).toBe(4);
    collector.giveBackLast();
    expect(back).toEqual(['l']);
    expect(collector.leastUrgent()).toBe(3);
    collector.giveBackLast();
    collector.giveBackLast();
    expect(back).toEqual(['l', 'n']);
    expect(collector.leastUrgent()).toBeNull();
  });

  it('keeps what may be in hand and gives back the rest, the last first, and what is larger than a batch may be', async () => {
    const { collector, gate, take } = setup();
    gate.leave = 'critical';
    const back: string[] = [];
    const known = (name: string, records: number): Piece => ({
      ...piece(name, records),
      giveBack: () => back.push(name),
    });
    await take(known('a', 200), known('b', 300), known('c', 1), known('d', 1));
    collector.keepWithin(501);
    expect(back).toEqual(['d']);
    collector.keepWithin(500);
    expect(back).toEqual(['d', 'c']);
    gate.batchRecords = 250;
    collector.keepWithin(500);
    expect(back).toEqual(['d', 'c', 'b']);
    collector.keepWithin(1);
    expect(back).toEqual(['d', 'c', 'b']);
  });

  it('gives back a chunk as a whole: it is in hand as long as one of its pieces is', async () => {
    const { collector, gate, take } = setup();
    gate.leave = 'critical';
    const back: string[] = [];
    const part = (chunkId: string, name: string, priority: Piece['priority']): Piece => ({
      ...piece(name, 100, priority),
      chunkId,
      giveBack: () => back.push(name),
    });
    await take(part('n', 'n1', 3), part('n', 'n2', 3), part('l', 'l1', 4), part('l', 'l2', 4), part('L', 'L1', 4));
    collector.keepWithin(300);
    expect(back).toEqual(['L1']);
    collector.giveBackLast();
    expect(back).toEqual(['L1', 'l2', 'l1']);
    gate.batchRecords = 99;
    collector.keepWithin(300);
    expect(back).toEqual(['L1', 'l2', 'l1', 'n2', 'n1']);
  });

  it('keeps the order of what is refused while other batches ask', async () => {
    const { collector, gate, take, names, settle } = setup({ batchSize: 1 });
    gate.refuses = 'critical';
    await take(piece('a', 1), piece('b', 1), piece('c', 1), piece('d', 1));
    expect(gate.asked.length).toBeGreaterThan(1);
    gate.refuses = null;
    gate.leave = 'any';
    collector.wake();
    await settle();
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives back what waits, and not what is on its way', async () => {
    const { collector, take, names, timers, answer } = setup();
    const back: string[] = [];
    await take(piece('a', 1), { ...piece('b', 1), giveBack: () => back.push('b') });
    collector.giveBack();
    expect(back).toEqual(['b']);
    expect(timers).toHaveLength(0);
    await answer(0);
    expect(names()).toEqual(['a']);
  });

  it('never starves a worker whose slots are all held: 64 small chunks over 16 slots need no timeout', async () => {
    const { collector, sends, timers, settle } = setup({ batchTimeoutMs: 1_000_000 });
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
    await settle();
    let answered = 0;
    for (let at = 0; at < sends.length; at += 1) {
      held -= sends[at]?.batch.length ?? 0;
      answered += sends[at]?.batch.length ?? 0;
      sends[at]?.answer();
      await new Promise((resolve) => setImmediate(resolve));
      fill();
      await settle();
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
        const { collector, sends, advance, answer, settle } = setup();
        const open = new Set<number>();
        const added: string[] = [];
        let seen = 0;
        const look = (): void => {
          for (; seen < sends.length; seen += 1) open.add(seen);
          expect(open.size).toBeLessThanOrEqual(5);
          expect([...open].filter((at) => sends[at]?.batch[0]?.priority !== 1).length).toBeLessThanOrEqual(4);
        };
        for (const one of steps) {
          if (one.kind === 'add') {
            const name = `${added.length};`;
            added.push(name);
            collector.expect();
            collector.add([piece(name, one.records, one.priority)]);
            await settle();
          } else if (one.kind === 'dismiss') {
            collector.expect();
            collector.dismiss();
            await settle();
          } else if (one.kind === 'advance') await advance(one.ms);
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
        for (const { batch } of sends) {
          expect(batch.reduce((sum, { records }) => sum + records, 0)).toBeLessThanOrEqual(500);
          expect(new Set(batch.map(({ priority }) => priority === 1)).size).toBe(1);
        }
      }),
      { numRuns: 200 },
    );
  });
});
