// The port of a mode: how a source is polled, as a strategy of plain values. Pollers ask it which time a poll is for and
// what becomes of ticks; the built-in ones are in poller-worker/src/modes, one of the user's own is a module that the
// config names (docs/adding-a-mode.md). Every call is synchronous and takes its time from its arguments, never from the clock.

/** A tick of a source's schedule. */
export interface ModeTick {
  readonly sourceId: string;
  /** The tick, in milliseconds since the epoch. */
  readonly scheduledFor: number;
  /** Period of the source in milliseconds; with `cron` the shortest time between two ticks. */
  readonly periodMs: number;
}

/** A pass that begins: one run over all pages of a source. */
export interface ModePass extends ModeTick {
  /** The end of the time that the last finished pass asked for, in milliseconds since the epoch; null: there was none, or it was reset. */
  readonly cursorUntilMs: number | null;
}

/** The time that a pass asks for, in milliseconds since the epoch. */
export interface ModeWindow {
  /** Null: from wherever the source itself begins. */
  readonly sinceMs: number | null;
  readonly untilMs: number;
}

/** How much may gather before it is admitted, where records come one by one: whatever is reached first. */
export interface ModeBuffer {
  readonly records: number;
  readonly ms: number;
}

/** A way of polling a source. A call that throws fails that poll, and nothing else. */
export interface Mode {
  /** Shown in errors and logs. */
  readonly name: string;
  /** Period of a source that names neither `every` nor `cron`, in milliseconds, at least 1000. */
  readonly defaultEveryMs?: number;
  /**
   * What becomes of ticks that come while the source is polled. They are one poll in any case, never two at a time:
   * `next_tick` (default) is the tick after the poll's end, which keeps the schedule; `at_once` begins when the poll ends.
   */
  readonly missedTicks?: 'next_tick' | 'at_once';
  /** How mqtt and push gather; default 100 records or 5 s. Critical records never wait. What an HTTP answer holds is admitted at once. */
  readonly buffer?: ModeBuffer;
  /** Whether the source is polled at this tick; default: always. What a person asks for is polled anyway. */
  isDue?(tick: ModeTick): boolean;
  windowOf(pass: ModePass): ModeWindow;
}

/** Default of `Mode.buffer`. */
export const usualBuffer: ModeBuffer = { records: 100, ms: 5_000 };

type Fields = Readonly<Record<string, unknown>>;

const isWhole = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

const bufferFault = (value: unknown): string | null => {
  // Whatever it is, its fields are looked at one by one.
  const { records, ms } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  return isWhole(records, 1, 100_000) && isWhole(ms, 1, 600_000)
    ? null
    : 'buffer must be { records: 1 to 100,000, ms: 1 to 600,000 }';
};

/** Why a value is no mode, as the rest of a sentence; null: it is one. Pure. */
export const modeFault = (value: unknown): string | null => {
  if (typeof value !== 'object' || value === null)
    return `must be an object with name and windowOf, found ${typeof value}`;
  // An object of whatever; each field is looked at.
  const { name, defaultEveryMs, missedTicks, buffer, isDue, windowOf } = value as Fields;
  if (typeof name !== 'string' || name === '' || name.length > 100) return 'name must be a text of 1 to 100 characters';
  if (typeof windowOf !== 'function') return 'windowOf must be a function that gives { sinceMs, untilMs }';
  if (isDue !== undefined && typeof isDue !== 'function') return 'isDue must be a function that gives true or false';
  if (defaultEveryMs !== undefined && !isWhole(defaultEveryMs, 1_000, 366 * 86_400_000))
    return 'defaultEveryMs must be a whole number from 1,000 (milliseconds)';
  if (missedTicks !== undefined && missedTicks !== 'next_tick' && missedTicks !== 'at_once')
    return 'missedTicks must be next_tick or at_once';
  return buffer === undefined ? null : bufferFault(buffer);
};
