// Chunks that wait in place for their next send. They can be ended before their time: then the chunk goes back to its queue.
import type { PriorityClass } from '@stream-manager/shared/records/priority';

/** The rests of one queue. */
export interface Rests {
  /** Resolves when the time is over, or when `end` is called before. */
  rest(delayMs: number, priority: PriorityClass): Promise<'over' | 'given_back'>;
  /** The class of the least urgent chunk that rests; null: none. */
  leastUrgent(): PriorityClass | null;
  /** Ends all rests. */
  end(): void;
}

/** Creates the rests of a queue. */
export const createRests = (after: (delayMs: number, act: () => void) => () => void): Rests => {
  const resting = new Set<{ readonly priority: PriorityClass; readonly end: () => void }>();
  return {
    rest: (delayMs, priority) =>
      new Promise((resolve) => {
        const leave = (how: 'over' | 'given_back'): void => {
          undo();
          resting.delete(entry);
          resolve(how);
        };
        const undo = after(delayMs, () => leave('over'));
        const entry = { priority, end: () => leave('given_back') };
        resting.add(entry);
      }),
    leastUrgent: () => {
      let least: PriorityClass | null = null;
      for (const { priority } of resting) if (least === null || priority > least) least = priority;
      return least;
    },
    end: () => {
      for (const { end } of resting) end();
    },
  };
};
