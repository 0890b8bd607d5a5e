// The picture of the story: lag with its thresholds, level, rate and delay. `scripts/generate-docs.ts` writes it.
import { type Chart, type Curve, drawChart } from './chart.ts';
import type { Moment } from './simulate.ts';
import { chapters, storyMs, storySupply, tellStory } from './story.ts';

/** Path below the repository's root → whole text. */
export const generatedPictures = (): Readonly<Record<string, string>> => ({
  'docs/backpressure.svg': drawChart(storyChart(tellStory().moments)),
});

/** Samples between two points of a joined line; a step is never left out. */
const samplesPerPoint = 2;

/** The chart of what these samples found and decided. */
export function storyChart(moments: readonly Moment[]): Chart {
  const curve = (
    name: string,
    colour: Curve['colour'],
    shape: Curve['shape'],
    valueOf: (moment: Moment) => number | null,
  ): Curve => ({
    name,
    colour,
    shape,
    points: moments.flatMap((moment, index): readonly (readonly [number, number])[] => {
      const value = shape === 'line' && index % samplesPerPoint > 0 ? null : valueOf(moment);
      return value === null ? [] : [[moment.atMs, value]];
    }),
  });
  return {
    title: 'What the throttle does when consumers stall, crawl and come back',
    description: `Half an hour of a simulated source with ${storySupply} records/s, in four panels over time: lag with target and critical threshold, level, allowed rate with what was sent, and the delay between batches. The consumers ${chapters.map(({ title }) => title).join(', then ')}.`,
    toMs: storyMs,
    bandsOf: 'consumers',
    bands: chapters,
    panels: [
      {
        title: 'lag (records)',
        height: 210,
        scale: 'linear',
        from: 0,
        to: 60_000,
        marks: [
          [0, '0'],
          [20_000, '20,000'],
          [40_000, '40,000'],
          [60_000, '60,000'],
        ],
        curves: [
          curve('critical', 'red', 'step', ({ decision }) => decision.criticalRecords),
          curve('target', 'amber', 'step', ({ decision }) => decision.targetRecords),
          curve('lag of the consumers', 'blue', 'line', ({ lag }) => lag),
        ],
      },
      {
        title: 'level',
        height: 70,
        scale: 'linear',
        from: 0,
        to: 4,
        marks: [
          [0, '0'],
          [2, '2'],
          [4, '4'],
        ],
        curves: [curve('0 (× 1) to 4 (× 5.1)', 'violet', 'step', ({ decision }) => decision.level)],
      },
      {
        title: 'rate (records/s, logarithmic)',
        height: 150,
        scale: 'logarithmic',
        from: 1,
        to: 100_000,
        marks: [
          [1, '1'],
          [10, '10'],
          [100, '100'],
          [1_000, '1,000'],
          [10_000, '10,000'],
          [100_000, '100,000'],
        ],
        curves: [
          curve('allowed', 'green', 'step', ({ decision }) => decision.allowedRate),
          { name: 'sent, average of 30 s', colour: 'blue', shape: 'step', points: sentPerSecond(moments) },
        ],
      },
      {
        title: 'delay (s)',
        height: 80,
        scale: 'linear',
        from: 0,
        to: 6,
        marks: [
          [0, '0'],
          [3, '3'],
          [6, '6'],
        ],
        curves: [
          curve('between two batches, and before a poll', 'amber', 'step', ({ decision }) => decision.delayMs / 1_000),
        ],
      },
    ],
  };
}

const averagedMs = 30_000;

/** What came to the topic, in pieces of 30 s. */
function sentPerSecond(moments: readonly Moment[]): Curve['points'] {
  const points: (readonly [number, number])[] = [];
  let begin = moments[0];
  for (const moment of moments) {
    if (begin === undefined || moment.atMs - begin.atMs < averagedMs) continue;
    const records = moment.whereabouts.published - begin.whereabouts.published;
    points.push([begin.atMs, (records * 1_000) / (moment.atMs - begin.atMs)]);
    begin = moment;
  }
  return points;
}
