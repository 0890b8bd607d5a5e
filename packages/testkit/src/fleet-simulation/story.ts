// The story of the picture in docs/backpressure.md: consumers that keep up, stand still, read a tenth of what comes, and
// keep up again.
import { throttlingSchema } from '@stream-manager/shared/config/sections/throttling';
import { type SourceRun, simulate } from './simulate.ts';
import { capacities, steady } from './supply.ts';

const minuteMs = 60_000;

/** A part of the story, from a time to the begin of the next; `title` says what the consumers do. */
export interface Chapter {
  readonly fromMs: number;
  readonly title: string;
  /** What the consumers can read, in records/s. */
  readonly perSecond: number;
}

/** Records/s that come to the provider all the time. */
export const storySupply = 500;

export const chapters: readonly Chapter[] = [
  { fromMs: 0, title: 'keep up', perSecond: 2_000 },
  { fromMs: 3 * minuteMs, title: 'stand still', perSecond: 0 },
  { fromMs: 8 * minuteMs, title: 'read 50/s, a tenth of what comes', perSecond: 50 },
  { fromMs: 20 * minuteMs, title: 'keep up again', perSecond: 2_000 },
];

export const storyMs = 30 * minuteMs;

/** The default settings, 500 records/s, one group that commits every 5 s. */
export function tellStory(): SourceRun {
  const id = 'firms-california';
  const run = simulate({
    durationMs: storyMs,
    sources: [
      {
        id,
        settings: throttlingSchema.parse({}),
        pollEveryMs: 1_000,
        maxQueued: 10_000,
        arrivals: steady(storySupply),
        groups: [{ name: 'fire-map', commitEveryMs: 5_000, capacityAt: capacities(chapters) }],
      },
    ],
  }).get(id);
  if (run === undefined) throw new Error('every source of a scenario has a run');
  return run;
}
