import { describe, expect, it } from 'vitest';
import {
  type AnswerHabit,
  type AnswerHistory,
  addAnswer,
  readAnswerHistory,
} from '../../src/conditions/answer-history.ts';
import { judgeSource } from '../../src/conditions/judge-source.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 4, 9);

/** The history of answers that came every `everyMs`. */
const historyOf = (
  rows: readonly (number | null)[],
  { habit = 'varying', everyMs = minute }: { habit?: AnswerHabit; everyMs?: number } = {},
): AnswerHistory | null => {
  let history: AnswerHistory | null = null;
  for (const [index, count] of rows.entries()) {
    const atMs = start + index * everyMs;
    history = addAnswer(history, { atMs, rows: count, newestObservedAtMs: count === 0 ? null : atMs - minute }, habit);
  }
  return history;
};
const statesOf = (history: AnswerHistory | null, staleAfterMs: number | null = 3 * hour): readonly string[] =>
  judgeSource(history, { staleAfterMs }, start + 400 * day).map(({ state }) => state);
const times = (count: number, rows: number): readonly number[] => Array.from({ length: count }, () => rows);

describe('an answer that is stale', () => {
  const answered = (
    ageMs: number,
    more: readonly { atMs: number; rows: number | null; newestObservedAtMs: null }[] = [],
  ) => {
    let history = addAnswer(null, { atMs: start, rows: 5, newestObservedAtMs: start - ageMs }, 'fixed');
    for (const answer of more) history = addAnswer(history, answer, 'fixed');
    return history;
  };
  const unchanged = (afterMs: number) => ({ atMs: start + afterMs, rows: null, newestObservedAtMs: null });

  it.each([
    { name: 'new', history: answered(hour), states: [] },
    { name: 'as old as it may be', history: answered(3 * hour), states: [] },
    { name: 'older', history: answered(3 * hour + 1), states: ['answers_but_stale'] },
    { name: 'new, and unchanged for an hour', history: answered(hour, [unchanged(hour)]), states: [] },
    {
      name: 'new at first, and unchanged for three hours',
      history: answered(hour, [unchanged(hour), unchanged(3 * hour)]),
      states: ['answers_but_stale'],
    },
    {
      name: 'old, but the last one is empty',
      history: answered(5 * hour, [{ atMs: start + minute, rows: 0, newestObservedAtMs: null }]),
      states: [],
    },
    { name: 'not there yet', history: null, states: [] },
    { name: 'not there, only that nothing changed', history: addAnswer(null, unchanged(0), 'fixed'), states: [] },
  ])('is named when the newest observation is $name', ({ history, states }) => {
    expect(statesOf(history)).toEqual(states);
  });

  it('is not looked for when staleAfter is off', () => {
    expect(statesOf(answered(400 * day), null)).toEqual([]);
  });

  it('says since when, and what is newest', () => {
    const [condition] = judgeSource(answered(5 * hour), { staleAfterMs: 3 * hour }, start);
    expect(condition).toEqual({
      state: 'answers_but_stale',
      since: new Date(start - 2 * hour).toISOString(),
      message: 'the provider answers, but its newest observation is of 2026-01-04T04:00:00.000Z (staleAfter)',
    });
  });

  it('is none of a source that is not polled any more: it was new when it came', () => {
    const history = answered(hour);
    expect(judgeSource(history, { staleAfterMs: 3 * hour }, start + 10 * day)).toEqual([]);
  });
});

describe('rows of a longer or shorter time than before', () => {
  /** Polls of what comes at 2 rows a minute, each asked for the minutes since the one before; null: since ever. */
  const historyOfMinutes = (spans: readonly (number | null)[], habit: AnswerHabit = 'varying') => {
    let history: AnswerHistory | null = null;
    for (const [index, minutes] of spans.entries()) {
      const rows = 2 * (minutes ?? 2_000);
      const spanMs = minutes === null ? null : minutes * minute;
      const atMs = start + index * minute;
      history = addAnswer(history, { atMs, rows, newestObservedAtMs: atMs, spanMs }, habit);
    }
    return history;
  };
  const usual = times(12, 60);

  it.each([
    { name: 'after a day without polls', spans: [...usual, 1_440] },
    { name: 'after a day without polls, and as usual again', spans: [...usual, 1_440, 60, 60] },
    { name: 'of a poll that a person asked for, and of the next one', spans: [...usual, 1, 59, 60] },
    { name: 'after the cursor was reset, and as usual again', spans: [...usual, null, 60, 60] },
  ])('are not unusual: $name', ({ spans }) => {
    expect(statesOf(historyOfMinutes(spans), null)).toEqual([]);
  });

  it('are learned from as soon as two are alike', () => {
    expect(historyOfMinutes([null, ...times(12, 60)])).toMatchObject({ usualAnswers: 13 });
    expect(historyOfMinutes([...usual, 1_440, 60, 60])).toMatchObject({ usualAnswers: 13, rows: 120 });
  });

  it('are unusual where the time does not decide how many there are', () => {
    expect(statesOf(historyOfMinutes([...usual, 1_440], 'fixed'), null)).toEqual(['row_count_unusual']);
  });

  it('end nothing that was unusual, and begin nothing', () => {
    const none = addAnswer(
      historyOfMinutes(usual),
      { atMs: start + hour, rows: 0, newestObservedAtMs: null, spanMs: hour },
      'varying',
    );
    const later = addAnswer(none, { atMs: start + day, rows: 900, newestObservedAtMs: null, spanMs: day }, 'varying');
    expect(statesOf(later, null)).toEqual(['row_count_unusual']);
  });
});

describe('an unusual number of rows', () => {
  it.each<{
    name: string;
    rows: readonly (number | null)[];
    habit?: AnswerHabit;
    everyMs?: number;
    isUnusual: boolean;
  }>([
    { name: 'none after ten of 150', rows: [...times(10, 150), 0], isUnusual: true },
    { name: 'none after nine of 150', rows: [...times(9, 150), 0], isUnusual: false },
    { name: 'a third of what was least', rows: [...times(10, 150), 50], isUnusual: false },
    { name: 'less than a third', rows: [...times(10, 150), 49], isUnusual: true },
    { name: 'ten times as many', rows: [...times(10, 150), 1500], isUnusual: true },
    { name: 'ten times as many of a few', rows: [...times(10, 3), 30], isUnusual: true },
    { name: 'twice as many', rows: [...times(10, 150), 300], isUnusual: false },
    { name: 'none where one came always, of a list', rows: [...times(10, 1), 0], habit: 'fixed', isUnusual: true },
    { name: 'none where three came always, of whatever there is', rows: [...times(10, 3), 0], isUnusual: false },
    { name: 'none where none came before', rows: [...times(9, 150), 0, ...times(20, 150), 0], isUnusual: false },
    { name: 'none, back to usual', rows: [...times(10, 150), 0, 0, 150], isUnusual: false },
    { name: 'none for hours', rows: [...times(10, 150), ...times(1000, 0)], isUnusual: true },
    { name: 'nothing new after none', rows: [...times(10, 150), 0, null], isUnusual: true },
    { name: 'nothing new', rows: [...times(10, 150), null, null], isUnusual: false },
    {
      name: 'none for more than three days',
      rows: [...times(20, 150), ...times(80, 0)],
      everyMs: hour,
      isUnusual: false,
    },
    { name: 'none on the first day of fires', rows: [...times(40, 300), 0], habit: 'daily', isUnusual: false },
    {
      name: 'none of what never was none for a day',
      rows: [...times(30, 300), 0],
      habit: 'daily',
      everyMs: hour,
      isUnusual: true,
    },
    { name: 'none of a few alerts', rows: [...times(60, 6), 0], habit: 'events', everyMs: hour, isUnusual: false },
    {
      name: 'none of hundreds of alerts',
      rows: [...times(60, 300), 0],
      habit: 'events',
      everyMs: hour,
      isUnusual: true,
    },
    {
      name: 'many more alerts than on any day',
      rows: [...times(60, 6), 60],
      habit: 'events',
      everyMs: hour,
      isUnusual: true,
    },
  ])('$name: $isUnusual', ({ rows, habit = 'varying', everyMs = minute, isUnusual }) => {
    expect(statesOf(historyOf(rows, { habit, everyMs }), null)).toEqual(isUnusual ? ['row_count_unusual'] : []);
  });

  it('says since when, how many there were, and what is usual', () => {
    const history = historyOf([...times(10, 150), 160, 140, 0, 0]);
    expect(judgeSource(history, { staleAfterMs: null }, start + day)).toEqual([
      {
        state: 'row_count_unusual',
        since: new Date(start + 12 * minute).toISOString(),
        message: 'the last answer had 0 rows; usual for this source are 140 to 160',
      },
    ]);
  });

  it('keeps what it needs in less than a kilobyte after a year of polls', () => {
    const history = historyOf(
      times(365 * 24, 300).map((rows, index) => rows + (index % 50)),
      { everyMs: hour },
    );
    expect(history?.days).toHaveLength(15);
    expect(JSON.stringify(history).length).toBeLessThan(1_000);
  });
});

describe('a stored history', () => {
  it('is read back as it was written', () => {
    for (const history of [historyOf([1, null]), historyOf([...times(10, 150), 0])])
      expect(readAnswerHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  it.each([
    null,
    5,
    'x',
    [],
    {},
    { answeredAtMs: 1 },
    { ...historyOf([1]), days: [{ day: 'x' }] },
    { ...historyOf([1]), unusual: {} },
  ])('of another form counts as none: %j', (stored) => {
    expect(readAnswerHistory(stored)).toBeNull();
  });
});
