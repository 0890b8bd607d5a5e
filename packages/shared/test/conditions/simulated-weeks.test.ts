// Weeks of polls of sources as they are, with seeded chance: nothing usual may be called unusual, and what a provider does when
// it breaks has to be.
import { describe, expect, it } from 'vitest';
import { type AnswerHistory, addAnswer } from '../../src/conditions/answer-history.ts';
import { habitOf } from '../../src/conditions/habit-of.ts';
import { judgeSource } from '../../src/conditions/judge-source.ts';
import type { SourceType } from '../../src/config/source-types.ts';

const minute = 60_000;
const day = 86_400_000;
const start = Date.UTC(2026, 5, 3, 10, 20);
const weeks = 6;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
const seeded = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
const poisson = (random: () => number, mean: number): number => {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * 3.4 * (random() + random() + random() - 1.5)));
  let count = 0;
  for (let left = Math.exp(-mean), product = random(); product > left; product *= random()) count += 1;
  return count;
};

/** Rows of the answer at a time. */
type Rows = (atMs: number) => number;

/** Detections of a day: a pass of a satellite twice a day brings most of them; each day has its own size. */
const fires = (random: () => number, most: number): Rows => {
  let today = -1;
  let size = most / 2;
  let rows = 0;
  let passed = 0;
  return (atMs) => {
    const number = Math.floor(atMs / day);
    if (number !== today) {
      today = number;
      rows = 0;
      passed = 0;
      size = Math.min(most, Math.max(most / 20, size * (0.5 + random())));
    }
    const hour = (atMs % day) / 3_600_000;
    const due = (hour > 9 ? 1 : 0) + (hour > 21 ? 1 : 0);
    for (; passed < due; passed += 1) rows += poisson(random, (size * (passed === 0 ? 1 : 3)) / 4);
    return rows;
  };
};

/** Alerts begin now and then and last for hours, several at a time when the weather is bad. */
const alerts = (random: () => number, perDay: number): Rows => {
  let ends: number[] = [];
  let last = start;
  return (atMs) => {
    ends = ends.filter((end) => end > atMs);
    const many = poisson(random, (perDay * (atMs - last)) / day);
    for (let index = 0; index < many; index += 1)
      for (let zone = 1 + Math.floor(random() * 3); zone > 0; zone -= 1)
        ends.push(atMs + (2 + 20 * random()) * 3_600_000);
    last = atMs;
    return ends.length;
  };
};

/** Earthquakes of the last hour, asked for every minute: most are in the next answer again. */
const lastHour = (random: () => number, perHour: number): Rows => {
  const minutes: number[] = Array.from({ length: 60 }, () => poisson(random, perHour / 60));
  return () => {
    minutes.shift();
    minutes.push(poisson(random, perHour / 60));
    return minutes.reduce((sum, count) => sum + count, 0);
  };
};

/** Monitors whose readings of an hour come in after the first third of it. */
const monitors = (random: () => number, most: number): Rows => {
  return (atMs) => {
    const share = ((atMs % 3_600_000) / 3_600_000 - 0.33) * 4;
    return Math.max(0, Math.min(most, Math.round(most * share) - poisson(random, 1)));
  };
};

const sources: readonly { name: string; type: SourceType; everyMs: number; make: (random: () => number) => Rows }[] = [
  {
    name: 'FIRMS of a state in summer',
    type: 'nasa-firms',
    everyMs: 15 * minute,
    make: (random) => fires(random, 800),
  },
  {
    name: 'FIRMS of a county, mostly nothing',
    type: 'nasa-firms',
    everyMs: 15 * minute,
    make: (random) => fires(random, 6),
  },
  { name: 'FIRMS of the world', type: 'nasa-firms', everyMs: 60 * minute, make: (random) => fires(random, 60_000) },
  { name: 'stations, always all', type: 'noaa-stations', everyMs: 5 * minute, make: () => () => 150 },
  {
    name: 'stations, some silent',
    type: 'noaa-stations',
    everyMs: 5 * minute,
    make: (random) => () => 150 - poisson(random, 4),
  },
  { name: 'one station', type: 'metar', everyMs: 10 * minute, make: () => () => 1 },
  {
    name: 'sensors of a town',
    type: 'purpleair',
    everyMs: 2 * minute,
    make: (random) => () => Math.round(400 * (0.9 + 0.2 * random())),
  },
  {
    name: 'sensors that come and go',
    type: 'purpleair',
    everyMs: 10 * minute,
    make: (random) => () => poisson(random, 12),
  },
  { name: 'a few alerts', type: 'noaa-alerts', everyMs: 2 * minute, make: (random) => alerts(random, 3) },
  { name: 'alerts of a country', type: 'noaa-alerts', everyMs: 2 * minute, make: (random) => alerts(random, 200) },
  { name: 'earthquakes of the last hour', type: 'http', everyMs: minute, make: (random) => () => poisson(random, 8) },
  { name: 'earthquakes of a sliding hour', type: 'http', everyMs: minute, make: (random) => lastHour(random, 9) },
  { name: 'monitors of the air', type: 'airnow', everyMs: 10 * minute, make: (random) => monitors(random, 60) },
  { name: 'forecasts', type: 'noaa-forecasts', everyMs: 60 * minute, make: () => () => 14 },
];

const runFor = (source: (typeof sources)[number], seed: number, days: number) => {
  const rowsAt = source.make(seeded(seed));
  let history: AnswerHistory | null = null;
  const alarms: string[] = [];
  let atMs = start;
  const answer = (rows: number): readonly string[] => {
    const newestObservedAtMs = rows === 0 ? null : atMs - 5 * minute;
    history = addAnswer(history, { atMs, rows, newestObservedAtMs }, habitOf(source.type));
    return judgeSource(history, { staleAfterMs: 3 * 3_600_000 }, atMs).map(
      ({ message }) => `${new Date(atMs).toISOString()} ${message}`,
    );
  };
  for (; atMs < start + days * day; atMs += source.everyMs) alarms.push(...answer(rowsAt(atMs)));
  return { alarms, answer, days: (): AnswerHistory['days'] => history?.days ?? [] };
};

describe.each(sources)('$name', (source) => {
  it('gives no alarm in six weeks, three times over', () => {
    for (const seed of [1, 2, 3]) expect(runFor(source, seed, 7 * weeks).alarms).toEqual([]);
  });

  it('is named when its answers jump to ten times of their most, and when they drop to none that never did', () => {
    const high = runFor(source, 4, 7);
    const most = Math.max(...high.days().map((one) => one.most));
    const least = Math.min(...high.days().map((one) => one.least));
    // Of one or two rows, ten times as many is chance.
    expect(high.answer(10 * most).length).toBe(most > 2 ? 1 : 0);
    const isCertain = habitOf(source.type) === 'fixed' ? least > 0 : least >= 20;
    expect(runFor(source, 4, 7).answer(0).length > 0).toBe(isCertain);
  });
});
