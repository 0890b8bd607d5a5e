// Redis' clock, the one that all processes of the fleet share.

/** What TIME answered (seconds and microseconds), in milliseconds since the epoch. Pure. */
export const millisecondsOf = (time: unknown): number => {
  // In a pipeline ioredis types every reply as unknown; TIME answers two texts.
  const [seconds, micros] = time as readonly [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
};
