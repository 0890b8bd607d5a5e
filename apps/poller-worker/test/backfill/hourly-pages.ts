// A source that has the past: a reading per minute, in pages of ten minutes.
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { Page, PollContext } from '../../src/sources/source.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
/** Midnight of a day that lies in the past whenever the test runs. */
export const dayMs = Date.UTC(2026, 0, 4);

/** The reading of one minute. */
const readingOf = (atMs: number): SourceRecord => ({
  type: 'weather-observation',
  naturalKey: `one|${atMs}`,
  observedAtMs: atMs,
  data: { stationId: 'one', temperatureC: 11 },
  partitionKey: 'one',
});

/** All readings of a time; `until` is not included. */
export const readingsOf = (fromMs: number, untilMs: number): readonly SourceRecord[] =>
  Array.from({ length: Math.max(0, Math.ceil((untilMs - fromMs) / minuteMs)) }, (_value, index) =>
    readingOf(fromMs + index * minuteMs),
  );

/** The pages of a window: position = where the next page begins. */
export async function* pagesOf({ window, position }: PollContext): AsyncIterable<Page> {
  const beginMs = typeof position === 'number' ? position : (window.sinceMs ?? window.untilMs);
  for (let atMs = beginMs; atMs < window.untilMs; ) {
    const endMs = Math.min(atMs + 10 * minuteMs, window.untilMs);
    yield { records: readingsOf(atMs, endMs), invalid: [], position: endMs < window.untilMs ? endMs : null };
    atMs = endMs;
  }
}
