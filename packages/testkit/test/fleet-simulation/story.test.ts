// What docs/backpressure.md says of its picture.
import { describe, expect, it } from 'vitest';
import { drawChart } from '../../src/fleet-simulation/chart.ts';
import { chapters, storyMs, tellStory } from '../../src/fleet-simulation/story.ts';
import { generatedPictures, storyChart } from '../../src/fleet-simulation/story-picture.ts';
import { fullRate, greatestLag, isSlowed, minute, recordsLost } from './scenarios.ts';

const run = tellStory();
const during = (fromMinute: number, toMinute: number) =>
  run.moments.filter(({ atMs }) => atMs > fromMinute * minute && atMs <= toMinute * minute);

describe('the story of the picture', () => {
  it('is told as the page tells it', () => {
    expect(chapters.map(({ fromMs }) => fromMs / minute)).toEqual([0, 3, 8, 20]);
    expect(storyMs).toBe(30 * minute);
    expect(during(0, 3).filter(isSlowed)).toEqual([]);
    expect(greatestLag(during(0, 3))).toBe(2_500);
    const first = run.moments.find(isSlowed);
    expect([Math.round((first?.atMs ?? 0) / 1_000), first?.lag]).toEqual([197, 9_000]);
    expect(Math.round(greatestLag(during(3, 8)) / 100)).toBe(186);
    expect(greatestLag(during(16, 20))).toBeLessThan(2_500);
    expect(greatestLag(during(20, 30))).toBeLessThan(60_000);
    expect(
      run.moments.find(({ atMs, decision }) => atMs > 25 * minute && decision.allowedRate === fullRate)?.atMs,
    ).toBeLessThan(25.7 * minute);
    expect(during(26, 30).filter(isSlowed)).toEqual([]);
  });

  it('loses nothing', () => {
    expect(recordsLost(run)).toBe(0);
    expect(run.end).toMatchObject({ arrived: 900_000, published: 899_500 });
  });
});

describe('the picture', () => {
  it('is the same every time', () => {
    expect(generatedPictures()).toEqual(generatedPictures());
  });

  it('shows every curve with its name, also to who cannot see it', () => {
    const chart = storyChart(run.moments);
    const svg = drawChart({ ...chart, title: 'lag < target & rising' });
    expect(svg).toContain('<title id="title">lag &lt; target &amp; rising</title>');
    for (const panel of chart.panels)
      for (const { name } of panel.curves) expect(svg).toContain(`<title>${name}</title>`);
    expect(svg.match(/<path /g)).toHaveLength(chart.panels.flatMap(({ curves }) => curves).length);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
