// METAR: weather reports of airports from the Aviation Weather Center (GET /api/data/metar), many airports in one request.
// An answer holds at most 400 reports and does not say when it was cut, so no request asks for more than that.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpRequest } from '../http/http-client.ts';
import { asObject } from './json-fields.ts';
import { keptRowParser } from './kept-json.ts';
import { parseReport } from './metar-report.ts';
import { type ParsedRows, parsedRows } from './parsed-rows.ts';
import { receiptsOf, unchangedPage } from './receipts.ts';
import type { Page, PollContext, Source, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

const hourMs = 3_600_000;

/** Reports of one answer at most (aviationweather.gov/data/api). */
const mostReports = 400;

/** Reports of an airport in an hour at most: one at the hour or three by a machine, and one whenever the weather turns. */
const reportsAnHour = 4;

/** Every poll looks back this far, in hours, since reports come minutes late and are corrected. */
const overlapHours = 2;

/** After an outage of ours it looks back to the last finished pass, in hours at most. */
const mostHours = 24;

/** Longest list of ids in an address, in characters: with the rest of it far below the 2,000 that any proxy takes. */
const mostIdCharacters = 1_000;

/** One request of a poll. */
export interface MetarRequest {
  readonly ids: readonly string[];
  readonly hours: number;
}

/** The airports in requests whose answers cannot be cut and whose addresses are not too long; in their order, each once. Pure. */
export const splitAirports = (stations: readonly string[], hours: number): readonly MetarRequest[] => {
  const most = Math.max(1, Math.floor(mostReports / (reportsAnHour * hours)));
  const requests: MetarRequest[] = [];
  let ids: string[] = [];
  let characters = 0;
  for (const id of new Set(stations.map((station) => station.toUpperCase()))) {
    if (ids.length > 0 && (ids.length >= most || characters + id.length > mostIdCharacters)) {
      requests.push({ ids, hours });
      ids = [];
      characters = 0;
    }
    ids.push(id);
    // A comma is three characters in an address.
    characters += id.length + 3;
  }
  if (ids.length > 0) requests.push({ ids, hours });
  return requests;
};

/** How far a pass looks back, in hours. */
const hoursOf = ({ window, isBackfill }: Pick<PollContext, 'window' | 'isBackfill'>): number => {
  const sinceHours = window.sinceMs === null ? 0 : Math.ceil((window.untilMs - window.sinceMs) / hourMs);
  return Math.min(mostHours, isBackfill ? Math.max(1, sinceHours) : Math.max(overlapHours, sinceHours + 1));
};

/** One poll is one request for up to 50 airports, and one page each. */
export const createMetar: SourceFactory = (source): Source => {
  if (source.type !== 'metar') throw unsupported(source, 'metar');
  const { baseUrl, params } = source;

  const requestOf = ({ ids, hours }: MetarRequest, untilMs: number | null): HttpRequest => {
    const url = new URL('/api/data/metar', baseUrl);
    url.search = new URLSearchParams({
      ids: ids.join(','),
      format: 'json',
      hours: String(hours),
      ...(untilMs === null ? {} : { date: new Date(untilMs).toISOString() }),
    }).toString();
    return { url, accept: 'application/json', credential: null };
  };

  async function* poll(context: PollContext): AsyncGenerator<Page> {
    const { http, window, isBackfill, position } = context;
    const requests = splitAirports(params.stations, hoursOf(context));
    for (let at = firstOf(requests, position); at < requests.length; at += 1) {
      const request = requests[at];
      if (request === undefined) break;
      const next = requests[at + 1]?.ids[0];
      const after = next === undefined ? null : { id: next };
      const response = await http.fetch(requestOf(request, isBackfill ? window.untilMs : null));
      if (response.unchanged !== null) yield unchangedPage(response.unchanged, after);
      else {
        // 204: none of these airports has a report in this time.
        const answer = response.status === 204 ? [] : await response.json();
        yield { ...parseReports(answer), ...receiptsOf(response), position: after };
      }
    }
  }
  return {
    poll,
    parseRow: keptRowParser('report', 'a report in JSON', parseReport),
    backfill: { sliceMs: mostHours * hourMs },
  };
};

/** Where an earlier run of the pass was cut off: the request whose first airport it left; the first if there is none such. */
const firstOf = (requests: readonly MetarRequest[], position: unknown): number => {
  const id = asObject(position)?.['id'];
  return Math.max(
    0,
    requests.findIndex(({ ids }) => ids[0] === id),
  );
};

/** The rows of one answer. Throws `response_unreadable` for what is no list. */
export const parseReports = (answer: unknown): ParsedRows => {
  if (!Array.isArray(answer))
    throw new StreamManagerError('response_unreadable', 'expected a list of weather reports, found none');
  return parsedRows(answer, parseReport);
};
