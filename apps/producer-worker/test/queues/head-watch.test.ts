import { describe, expect, it } from 'vitest';
import { createHeadWatch, type HoldingQueue } from '../../src/queues/head-watch.ts';
import type { Head } from '../../src/queues/read-heads.ts';
import { silent } from '../chunks.ts';

/** A watch over queues whose heads the test sets; it looks when the test passes its time, or rings. */
const setup = (heads: Record<string, Head>) => {
  const timers: (() => void)[] = [];
  const looks: string[] = [];
  const made: string[] = [];
  const answers: (() => void)[] = [];
  const watch = createHeadWatch({
    readHeads: async (ids) => {
      looks.push(ids.join(' '));
      await new Promise<void>((resolve) => answers.push(resolve));
      return new Map(ids.map((id) => [id, heads[id] ?? null]));
    },
    logger: silent,
    after: (_delayMs, act) => timers.push(act),
  });
  const hold = (sourceId: string, held: ReturnType<HoldingQueue['leastUrgent']>) =>
    watch.watch({ sourceId, leastUrgent: () => held, makeRoom: () => made.push(sourceId) });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    watch,
    hold,
    looks,
    made,
    timers,
    pass: async () => {
      timers.shift()?.();
      await settle();
    },
    answer: async () => {
      answers.shift()?.();
      await settle();
    },
  };
};

describe('the watch over heads', () => {
  it('has room made where something more urgent has come, and nowhere else', async () => {
    const { hold, pass, answer, looks, made } = setup({ urgent: 1, equal: 3, idle: 1, dead: 0, empty: null });
    hold('urgent', 4);
    hold('equal', 3);
    hold('idle', null);
    hold('dead', 1);
    hold('empty', 2);
    await pass();
    await answer();
    expect(looks).toEqual(['urgent equal dead empty']);
    expect(made).toEqual(['urgent', 'dead']);
  });

  it('looks at once when it rings, and once for many rings', async () => {
    const { watch, hold, answer, looks, made } = setup({ fires: 1, other: 1 });
    hold('fires', 4);
    hold('other', 4);
    for (let ring = 0; ring < 100; ring += 1) watch.ring('fires');
    watch.ring('nobody');
    expect(looks).toEqual(['fires']);
    await answer();
    expect(looks).toEqual(['fires', 'fires']);
    await answer();
    expect(looks).toHaveLength(2);
    expect(made).toEqual(['fires', 'fires']);
  });

  it('looks no more at a queue that has closed', async () => {
    const { watch, hold, pass, looks } = setup({ fires: 1 });
    const stop = hold('fires', 4);
    stop();
    watch.ring('fires');
    await pass();
    expect(looks).toEqual([]);
  });
});
