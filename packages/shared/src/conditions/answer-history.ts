// What is remembered of a source's answers, so that one which is stale, or of a size it never had, can be told from what is
// usual for that source. Kept in the source's state; a few hundred bytes.

/** The rows of the answers of one day, UTC. */
export interface DayOfAnswers {
  /** Days since the epoch. */
  readonly day: number;
  readonly least: number;
  readonly most: number;
}

/** The answers of one source. An answer is a finished pass of which no page was unchanged, if not said otherwise. */
export interface AnswerHistory {
  /** When the last answer came, unchanged ones included, in milliseconds since the epoch. */
  readonly answeredAtMs: number;
  /** Rows of the last answer (records and invalid rows, before dedupe); null: there was none yet. */
  readonly rows: number | null;
  /** Newest observation of the last pass that had records, in milliseconds since the epoch; null: none had. */
  readonly newestObservedAtMs: number | null;
  /** `NewAnswer.spanMs` of the last answer; absent: it had none. */
  readonly spanMs?: number | null;
  /** Answers of usual size since `sinceMs`. */
  readonly usualAnswers: number;
  /** When the first of them came, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Their rows by day, oldest first. */
  readonly days: readonly DayOfAnswers[];
  /** The answers of unusual size that came last, one after the other; null: the last one was usual. */
  readonly unusual: {
    /** When the first of them came, in milliseconds since the epoch. */
    readonly sinceMs: number;
    readonly answers: number;
    /** Of all of them. */
    readonly least: number;
    readonly most: number;
    /** What was usual when they began. */
    readonly usual: { readonly least: number; readonly most: number };
  } | null;
}

/** How the answers of a source vary by nature; decides what of them is worth a word. */
export type AnswerHabit =
  /** A list that the operator made: as many rows every time. */
  | 'fixed'
  /** What there is at the time. */
  | 'varying'
  /** The rows of the day, or of the hour, so far: none when it begins, more and more until the next. */
  | 'daily'
  /** Events, for hours the same ones, then none. */
  | 'events';

/** An answer that was given now. */
export interface NewAnswer {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Rows of the whole pass; null: some or all of it was unchanged, so that they are not known. */
  readonly rows: number | null;
  /** Null: it had no records. */
  readonly newestObservedAtMs: number | null;
  /** How long the time was that it was asked for, in milliseconds; null: since ever. Absent: it was asked for none. */
  readonly spanMs?: number | null;
}

const dayMs = 86_400_000;
/** Days whose answers decide what is usual. */
const keptDays = 15;
/** Answers that are needed before any is called unusual. */
const leastAnswers = 10;
/** What varies is compared only with what was asked for a time as long, within this factor. */
const spanFactor = 3;
/** What comes for so long, and so often, is what is usual now, in milliseconds and answers. */
const newNormalMs = 3 * dayMs;
const newNormalAnswers = 10;

/** By habit: least rows that a usual answer must have had for none to be unusual. Below, chance alone brings none now and then. */
const fewestForNone = { fixed: 1, varying: 5, daily: 5, events: 20 } as const satisfies Record<AnswerHabit, number>;

/** The history with an answer more. Pure. */
export const addAnswer = (before: AnswerHistory | null, answer: NewAnswer, habit: AnswerHabit): AnswerHistory => {
  const { atMs, rows } = answer;
  const history: AnswerHistory = {
    ...(before ?? { rows: null, usualAnswers: 0, sinceMs: atMs, days: [], unusual: null }),
    answeredAtMs: atMs,
    newestObservedAtMs: answer.newestObservedAtMs ?? before?.newestObservedAtMs ?? null,
    ...(answer.spanMs === undefined ? {} : { spanMs: answer.spanMs }),
  };
  if (rows === null) return history;
  // After a pause there is more to come, after a poll that a person asked for less: that says nothing about the provider.
  if (habit === 'varying' && before !== null && !areAlike(before.spanMs, answer.spanMs)) return { ...history, rows };
  const usual = usualRange(history, atMs, habit);
  if (usual !== null && isOutside(rows, usual, habit)) {
    const { unusual } = history;
    const streak = {
      sinceMs: unusual?.sinceMs ?? atMs,
      answers: (unusual?.answers ?? 0) + 1,
      least: Math.min(unusual?.least ?? rows, rows),
      most: Math.max(unusual?.most ?? rows, rows),
      usual: unusual?.usual ?? usual,
    };
    if (atMs - streak.sinceMs < newNormalMs || streak.answers < newNormalAnswers)
      return { ...history, rows, unusual: streak };
    const days = [{ day: Math.floor(atMs / dayMs), least: streak.least, most: streak.most }];
    return { ...history, rows, usualAnswers: streak.answers, sinceMs: streak.sinceMs, days, unusual: null };
  }
  return {
    ...history,
    rows,
    usualAnswers: history.usualAnswers + 1,
    days: withRows(history.days, Math.floor(atMs / dayMs), rows),
    unusual: null,
  };
};

const areAlike = (one: number | null | undefined, other: number | null | undefined): boolean => {
  // The pass after the first of all is as good as any.
  if (one === undefined || other === undefined || one === null) return true;
  return other !== null && Math.max(one, other) <= spanFactor * Math.min(one, other);
};

/** What was usual so far; null: too little is known to say. */
const usualRange = (
  { days, usualAnswers, sinceMs }: AnswerHistory,
  atMs: number,
  habit: AnswerHabit,
): { readonly least: number; readonly most: number } | null => {
  if (usualAnswers < leastAnswers || days.length === 0) return null;
  const least = Math.min(...days.map((day) => day.least));
  const most = Math.max(...days.map((day) => day.most));
  // Before a whole day is known, only answers that hardly differ say what the next one will be.
  const isSteady = habit === 'fixed' || (habit === 'varying' && most <= 2 * least);
  return isSteady || atMs - sinceMs >= dayMs ? { least, most } : null;
};

const isOutside = (
  rows: number,
  { least, most }: { readonly least: number; readonly most: number },
  habit: AnswerHabit,
): boolean =>
  // Of few rows chance alone makes many; seasons change slowly enough for the days to follow.
  rows > 5 * most + 10 || (least >= fewestForNone[habit] && rows < least / 3);

const withRows = (days: readonly DayOfAnswers[], day: number, rows: number): readonly DayOfAnswers[] => {
  const today = days.find((one) => one.day === day) ?? { day, least: rows, most: rows };
  const others = days.filter((one) => one.day !== day && one.day > day - keptDays);
  return [...others, { day, least: Math.min(today.least, rows), most: Math.max(today.most, rows) }];
};

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isRange = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'least' in value &&
  'most' in value &&
  isNumber(value.least) &&
  isNumber(value.most);

/** Reads what was stored; null for anything else (another version's): then it is learned anew. Pure. */
export const readAnswerHistory = (stored: unknown): AnswerHistory | null => {
  if (typeof stored !== 'object' || stored === null) return null;
  // Every field is looked at below.
  const fields = stored as Partial<Record<keyof AnswerHistory, unknown>>;
  const { answeredAtMs, usualAnswers, sinceMs, days, unusual, rows, newestObservedAtMs, spanMs = null } = fields;
  if (![answeredAtMs, usualAnswers, sinceMs].every(isNumber)) return null;
  if (![rows, newestObservedAtMs, spanMs].every((value) => value === null || isNumber(value))) return null;
  const areDays =
    Array.isArray(days) && days.every((day: unknown) => isRange(day) && isNumber((day as DayOfAnswers).day));
  const isStreak =
    unusual === null ||
    (isRange(unusual) &&
      typeof unusual === 'object' &&
      'sinceMs' in unusual &&
      isNumber(unusual.sinceMs) &&
      'answers' in unusual &&
      isNumber(unusual.answers) &&
      'usual' in unusual &&
      isRange(unusual.usual));
  return areDays && isStreak ? (stored as AnswerHistory) : null;
};
