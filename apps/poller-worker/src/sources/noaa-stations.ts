// NOAA/NWS: the latest observation of each of many stations, one request per station and one page per observation. The
// stations are those of the config, or those of a state, whose list is read first.
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { HttpClient } from '../http/http-client.ts';
import { askEach, type ItemPage } from './ask-each.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject } from './json-fields.ts';
import { parseObservation } from './noaa-observation.ts';
import { receiptsOf, unchangedRows } from './receipts.ts';
import { newRound, readRound, textsOf } from './round.ts';
import type { Page, Source, SourceFactory } from './source.ts';
import { addListPage, newListing, type StationListing } from './station-list.ts';
import { unsupported } from './unsupported.ts';

const accept = 'application/geo+json';

/** The connector; stations that were left out are told to the logger. */
export const createNoaaStations =
  (deps: { readonly logger?: Logger } = {}): SourceFactory =>
  (source): Source => {
    if (source.type !== 'noaa-stations') throw unsupported(source, 'noaa-stations');
    const { baseUrl, params } = source;

    const ask = async (http: HttpClient, station: string): Promise<ItemPage> => {
      try {
        const url = new URL(`/stations/${encodeURIComponent(station)}/observations/latest`, baseUrl);
        const response = await http.fetch({ url, accept, credential: null });
        if (response.unchanged !== null) return unchangedRows(response.unchanged);
        const row = readAnswer(station, await response.text());
        return 'reason' in row
          ? { records: [], invalid: [row], ...receiptsOf(response) }
          : { records: [row], invalid: [], ...receiptsOf(response) };
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        // Of an answer that is not kept at all.
        const row = invalidRow(station, rowFault('unreadable', station, messageOf(error), null), station);
        return { records: [], invalid: [{ ...row, isIncomplete: true }] };
      }
    };

    async function* poll({ position, http }: Parameters<Source['poll']>[0]): AsyncGenerator<Page> {
      let listing =
        params.state === undefined ? null : (readListing(position, baseUrl) ?? newListing(baseUrl, params.state));
      let round = readRound(position);
      if (round === null && listing !== null) {
        while (listing.next !== null) {
          // Its receipt is never handed on: an answer that counted as used up would come without its stations.
          const response = await http.fetch({ url: new URL(listing.next), accept, credential: null });
          listing = addListPage(listing, await response.json(), baseUrl);
          if (listing.next !== null) yield { records: [], invalid: [], position: { listing } };
        }
        if (listing.found.length === 0)
          throw new StreamManagerError(
            'response_unreadable',
            `state ${params.state} has no stations: there is nothing to ask`,
          );
        round = newRound(listing.found);
      }
      yield* askEach(round ?? newRound(params.stations ?? []), {
        ask: (station) => ask(http, station),
        leftOut: (station, error) =>
          deps.logger?.warn({ sourceId: source.id, station, error: messageOf(error) }, 'station left out'),
        unknown: (stations) =>
          deps.logger?.info(
            { sourceId: source.id, count: stations.length, stations: stations.slice(0, 20) },
            'stations without observation',
          ),
      });
    }
    return { poll, parseRow: ({ raw, context }) => readAnswer(context, raw) };
  };

const readAnswer = (station: string, text: string): SourceRecord | InvalidRow => {
  const row = readObservation(station, text);
  // The same page of maintenance, or no byte at all, from two stations are two rows.
  return 'reason' in row ? { ...row, identity: `${station}|${row.raw}` } : row;
};

const readObservation = (station: string, text: string): SourceRecord | InvalidRow => {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return invalidRow(text, rowFault('unreadable', station, 'an observation in JSON', text), station);
  }
  return parseObservation(station, answer, text);
};

const isTooLarge = (error: unknown): boolean =>
  error instanceof StreamManagerError && error.code === 'response_too_large';

/** A listing that an earlier run left. One of another address (the config was changed) is begun anew. */
const readListing = (position: unknown, baseUrl: string): StationListing | null => {
  const listing = asObject(asObject(position)?.['listing']);
  const found = textsOf(listing?.['found']);
  const next = listing?.['next'];
  return found !== null && typeof next === 'string' && URL.parse(next)?.origin === new URL(baseUrl).origin
    ? { next, found }
    : null;
};
