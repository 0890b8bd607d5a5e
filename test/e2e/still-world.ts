// The time of a simulated world that a test can make stand still: then what was served and not taken is served again.

/** A clock for `worldNow` of the providers. */
export interface WorldClock {
  /** Epoch milliseconds. */
  now(): number;
  /** From now on nothing new happens out there. */
  freeze(): void;
  /** It is as late out there as here again. */
  release(): void;
}

/** A clock that goes. */
export const createWorldClock = (): WorldClock => {
  let frozenAt: number | null = null;
  return {
    now: () => frozenAt ?? Date.now(),
    freeze: () => {
      frozenAt ??= Date.now();
    },
    release: () => {
      frozenAt = null;
    },
  };
};
