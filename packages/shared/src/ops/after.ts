// A timer as the parts of a process are given it, so that tests can pass their own.

/** Runs `act` after `delayMs`; returns the undo. */
export const after = (delayMs: number, act: () => void): (() => void) => {
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
};
