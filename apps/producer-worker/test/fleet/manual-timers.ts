// Timers that a test fires by letting time pass, in the order of their times.
import { setImmediate as turn } from 'node:timers/promises';

export interface ManualTimers {
  readonly after: (delayMs: number, act: () => void) => () => void;
  readonly now: () => number;
  /** Delays that were asked for and have neither fired nor been undone, the shortest first. */
  waits(): readonly number[];
  /** Lets time pass; each timer fires at its time, and what it sets going runs on before the next. */
  pass(ms: number): Promise<void>;
}

/** Lets everything run on that waits for nothing but promises. */
export const settled = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await turn();
};

export const createManualTimers = (): ManualTimers => {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly act: () => void }>();
  const next = () => [...timers].toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    after: (delayMs, act) => {
      const timer = { at: now + delayMs, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    waits: () => [...timers].map(({ at }) => at - now).toSorted((a, b) => a - b),
    pass: async (ms) => {
      const end = now + ms;
      await settled();
      for (let timer = next(); timer !== undefined && timer.at <= end; timer = next()) {
        now = timer.at;
        timers.delete(timer);
        timer.act();
        await settled();
      }
      now = end;
    },
  };
};
