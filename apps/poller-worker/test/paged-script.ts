// What a source gives that is polled by a process which gets killed, and by the one that goes on: two pages, each with a cursor.

import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import type { Page, PollContext } from '../src/sources/source.ts';

/** Readings of a page. */
const records = (first: number): readonly SourceRecord[] =>
  Array.from({ length: 10 }, (_value, index) => ({
    type: 'weather-observation',
    naturalKey: `S${first + index}`,
    observedAtMs: Date.UTC(2026, 0, 4, 9) + (first + index) * 1000,
    data: { stationId: `S${first + index}`, temperatureC: 11 },
    partitionKey: `S${first + index}`,
  }));

/** The two pages of one poll. */
export async function* twoPages({ position }: Pick<PollContext, 'position'>): AsyncGenerator<Page> {
  if (position === null) yield { records: records(0), invalid: [], position: { next: 2 }, cursor: 'page 1' };
  yield { records: records(10), invalid: [], position: null, cursor: 'page 2' };
}
