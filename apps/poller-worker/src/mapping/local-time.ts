// From the clock of a place to the time of the world. What a clock shows twice in autumn counts as the first; what it
// never shows in spring is no time.

/** Milliseconds since the epoch for a clock that shows `wallMs` (its time read as if it were UTC); null: it never does. */
export type LocalClock = (wallMs: number) => number | null;

const hourMs = 3_600_000;
/** Offsets that are remembered: each is asked for by the hour. */
const maxRemembered = 4096;

/** Makes the clock of a time zone. Throws a RangeError for a zone that nobody knows. */
export const createLocalClock = (timeZone: string): LocalClock => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    era: 'short',
  });
  const wallOf = (ms: number): number => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  };
  const remembered = new Map<number, number>();
  /** What the zone is ahead of UTC, in milliseconds. No zone changes within a quarter of an hour of the clock. */
  const offsetAt = (ms: number): number => {
    const quarter = Math.floor(ms / (hourMs / 4));
    const known = remembered.get(quarter);
    if (known !== undefined) return known;
    const startMs = quarter * (hourMs / 4);
    const offset = wallOf(startMs) - startMs;
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(quarter, offset);
    return offset;
  };
  return (wallMs) => {
    // The offsets of a day before and a day after hold the two that can be meant; the larger one is the earlier time.
    const before = offsetAt(wallMs - 24 * hourMs);
    const after = offsetAt(wallMs + 24 * hourMs);
    const candidates = [wallMs - Math.max(before, after), wallMs - Math.min(before, after)];
    return candidates.find((ms) => ms + offsetAt(ms) === wallMs) ?? null;
  };
};
