import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createFleetAct, leaseIntervals, longestActMs, nextTryMs } from '../../src/fleet/fleet-act.ts';
import type { Hold } from '../../src/fleet/lease.ts';
import { createManualTimers, settled } from './manual-timers.ts';

const intervalMs = 1_000;

const setup = () => {
  const lines: string[] = [];
  const timers = createManualTimers();
  const state = {
    hold: { isHeld: true } as Hold,
    holds: 0,
    runs: 0,
    released: 0,
    act: async (_signal: AbortSignal): Promise<void> => {},
  };
  const fleetAct = createFleetAct(
    {
      lease: {
        hold: async () => {
          state.holds += 1;
          return state.hold;
        },
        release: async () => {
          state.released += 1;
        },
      },
      act: async (signal) => {
        state.runs += 1;
        await state.act(signal);
      },
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) }),
      after: timers.after,
      now: timers.now,
    },
    { name: 'sweep', intervalMs },
  );
  return { fleetAct, state, lines, timers, start: () => fleetAct.start(new AbortController().signal) };
};

describe('createFleetAct', () => {
  it('acts at once and then once per interval while it holds the lease, and renews it each time', async () => {
    const { fleetAct, state, start, timers } = setup();
    await start();
    await timers.pass(0);
    expect([state.runs, state.holds]).toEqual([1, 1]);
    await timers.pass(10 * intervalMs);
    expect([state.runs, state.holds]).toEqual([11, 11]);
    await fleetAct.stop();
    await fleetAct.stop();
    expect(state.released).toBe(1);
    await timers.pass(10 * intervalMs);
    expect([state.runs, timers.waits()]).toEqual([11, []]);
  });

  it('tries again right after the end of the lease of another, and acts as soon as it has it', async () => {
    const { state, start, timers } = setup();
    state.hold = { isHeld: false, freeInMs: 700 };
    await start();
    await timers.pass(0);
    expect([state.runs, state.holds, timers.waits()]).toEqual([0, 1, [701]]);
    state.hold = { isHeld: false, freeInMs: 1_499 };
    await timers.pass(701);
    expect([state.runs, state.holds, timers.waits()]).toEqual([0, 2, [1_500]]);
    state.hold = { isHeld: true };
    await timers.pass(1_500);
    expect([state.runs, timers.waits()]).toEqual([1, [intervalMs]]);
  });

  it.each([
    { name: 'a lease that ends now', freeInMs: 0, nextMs: 1 },
    { name: 'a fresh lease: within two intervals of the last act', freeInMs: 1_500, nextMs: 1_501 },
    { name: 'a lease of another length', freeInMs: 90_000, nextMs: 1_501 },
    { name: 'a lease without an end', freeInMs: Number.POSITIVE_INFINITY, nextMs: 1_501 },
  ])('waits for $name', ({ freeInMs, nextMs }) => {
    expect(nextTryMs(freeInMs, intervalMs)).toBe(nextMs);
    expect(nextMs).toBeLessThan(2 * intervalMs);
  });

  it('renews its lease while an act runs that takes long, before it could end', async () => {
    const { state, start, timers } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.act = () => promise;
    await start();
    await timers.pass(5_250);
    expect([state.runs, state.holds]).toEqual([1, 11]);
    expect(Math.max(...timers.waits())).toBeLessThan(leaseIntervals * intervalMs);
    resolve();
    await settled();
    // It took five intervals and a quarter: the next one is at the sixth.
    expect(timers.waits()).toEqual([750]);
  });

  it('lets another take an act over that does not end', async () => {
    const { state, start, timers } = setup();
    state.act = () => new Promise(() => {});
    await start();
    await timers.pass(longestActMs);
    const held = state.holds;
    await timers.pass(longestActMs);
    expect([state.holds, timers.waits()]).toEqual([held, []]);
  });

  it('goes on renewing when one renewal fails', async () => {
    const { state, start, timers, lines } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.act = () => promise;
    await start();
    await timers.pass(0);
    let isFirst = true;
    Object.defineProperty(state, 'hold', {
      get: (): Hold => {
        if (!isFirst) return { isHeld: true };
        isFirst = false;
        throw new Error('LOADING');
      },
    });
    await timers.pass(2_000);
    expect(state.holds).toBe(5);
    resolve();
    await settled();
    expect(lines).toEqual([]);
  });

  it('reports a failure once and goes on', async () => {
    const { fleetAct, state, start, lines, timers } = setup();
    state.act = async () => {
      if (state.runs < 5) throw new Error('LOADING');
    };
    await start();
    await timers.pass(5 * intervalMs);
    await fleetAct.stop();
    expect(state.runs).toBe(6);
    expect(lines).toEqual(['sweep failed; it is tried again', 'sweep works again']);
  });

  it('tries again at the next interval when Redis does not answer for the lease', async () => {
    const { state, start, lines, timers } = setup();
    Object.defineProperty(state, 'hold', {
      configurable: true,
      get: (): Hold => {
        throw new Error('LOADING');
      },
    });
    await start();
    await timers.pass(2 * intervalMs);
    expect([state.runs, state.holds]).toEqual([0, 3]);
    Object.defineProperty(state, 'hold', { value: { isHeld: true } });
    await timers.pass(intervalMs);
    expect(state.runs).toBe(1);
    expect(lines).toEqual(['sweep failed; it is tried again', 'sweep works again']);
  });

  it('ends an act that runs, waits for it, and starts none after it', async () => {
    const { fleetAct, state, start, lines, timers } = setup();
    let hasEnded = false;
    state.act = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          hasEnded = true;
          reject(new Error('stopped'));
        });
      });
    await start();
    await timers.pass(0);
    expect(state.runs).toBe(1);
    await fleetAct.stop();
    expect([hasEnded, state.runs, lines, timers.waits()]).toEqual([true, 1, [], []]);
  });

  it('may be stopped before it starts', async () => {
    const { fleetAct, state, start, timers } = setup();
    await fleetAct.stop();
    await start();
    await timers.pass(intervalMs);
    expect(state.runs).toBe(0);
  });
});
