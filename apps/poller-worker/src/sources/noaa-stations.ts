// NOAA/NWS: the latest observation of each of many stations, one request per station and one page per observation, a few
// at a time. Where the round stands is the position after each page, so that 150 stations at 60 requests a minute are
// one poll in three runs.
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { HttpClient } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject } from './json-fields.ts';
import { parseObservation } from './noaa-observation.ts';
import type { Page, Source, SourceFactory } from './source.ts';
import { addListPage, newListing, type StationListing } from './station-list.ts';
import { newRound, nextStep, type StationOutcome, type StationRound, withoutStation } from './station-round.ts';
import { unsupported } from './unsupported.ts';

/** Stations asked at the same time. */
const concurrency = 4;

const accept = 'application/geo+json';

type Reply =
  | { readonly outcome: 'answered'; readonly row: SourceRecord | InvalidRow }
  | { readonly outcome: 'none' | 'failed' | 'stop'; readonly error: unknown };

/** The connector; stations that were left out are told to the logger. */
export const createNoaaStations =
  (deps: { readonly logger?: Logger } = {}): SourceFactory =>
  (source): Source => {
    if (source.type !== 'noaa-stations') throw unsupported(source, 'noaa-stations');
    const { baseUrl, params } = source;

    const ask = async (http: HttpClient, station: string): Promise<Reply> => {
      try {
        const url = new URL(`/stations/${encodeURIComponent(station)}/observations/latest`, baseUrl);
        const response = await http.fetch({ url, accept, credential: null });
        const text = await response.text();
        return { outcome: 'answered', row: readAnswer(station, text) };
      } catch (error) {
        if (isTooLarge(error))
          return {
            outcome: 'answered',
            // Of an answer that is not kept at all.
            row: {
              ...invalidRow(station, rowFault('unreadable', station, messageOf(error), null), station),
              isIncomplete: true,
            },
          };
        return { outcome: outcomeOf(error), error };
      }
    };

    async function* askAll(http: HttpClient, first: StationRound): AsyncGenerator<Page> {
      const asked = new Map<string, Promise<Reply>>();
      const silent: string[] = [];
      let round = first;
      let streak = 0;
      let failure: unknown;
      while (round.rest.length > 0) {
        for (const station of round.rest.slice(0, concurrency))
          if (!asked.has(station)) asked.set(station, ask(http, station));
        const [station = ''] = round.rest;
        const reply = await asked.get(station);
        asked.delete(station);
        if (reply === undefined) throw new Error(`station ${station} was never asked`);
        if (reply.outcome === 'stop') {
          failure = reply.error;
          break;
        }
        const step = nextStep(round, streak, station, reply.outcome);
        if (step.action === 'fail') {
          failure = reply.outcome === 'answered' ? undefined : reply.error;
          break;
        }
        ({ round, streak } = step);
        if (step.isLeftOut && reply.outcome !== 'answered')
          deps.logger?.warn({ sourceId: source.id, station, error: messageOf(reply.error) }, 'station left out');
        if (reply.outcome === 'none') silent.push(station);
        yield pageOf(reply, round);
      }
      if (silent.length > 0)
        deps.logger?.info(
          { sourceId: source.id, count: silent.length, stations: silent.slice(0, 20) },
          'stations without observation',
        );
      if (round.rest.length === 0) return;
      // What others answered meanwhile was served and may not come again: it is not thrown away.
      for (const [station, pending] of asked) {
        const reply = await pending;
        if (reply.outcome !== 'answered' && reply.outcome !== 'none') continue;
        round = withoutStation(round, station, reply.outcome);
        yield pageOf(reply, round);
      }
      throw failure;
    }

    async function* poll({ position, http }: Parameters<Source['poll']>[0]): AsyncGenerator<Page> {
      const kept = readPosition(position, baseUrl);
      let listing = params.state === undefined ? null : (kept.listing ?? newListing(baseUrl, params.state));
      let round = kept.round;
      if (round === null && listing !== null) {
        while (listing.next !== null) {
          const response = await http.fetch({ url: new URL(listing.next), accept, credential: null });
          listing = addListPage(listing, await response.json(), baseUrl);
          if (listing.next !== null) yield emptyPage({ listing });
        }
        if (listing.found.length === 0)
          throw new StreamManagerError(
            'response_unreadable',
            `state ${params.state} has no stations: there is nothing to ask`,
          );
        round = newRound(listing.found);
      }
      yield* askAll(http, round ?? newRound(params.stations ?? []));
    }
    return { poll, parseRow: ({ raw, context }) => readAnswer(context, raw) };
  };

const emptyPage = (position: unknown): Page => ({ records: [], invalid: [], position });

const pageOf = (reply: Reply, round: StationRound): Page => {
  const position = round.rest.length === 0 ? null : { round };
  if (reply.outcome !== 'answered') return emptyPage(position);
  const { row } = reply;
  return 'reason' in row ? { records: [], invalid: [row], position } : { records: [row], invalid: [], position };
};

const readAnswer = (station: string, text: string): SourceRecord | InvalidRow => {
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

/** What a failed exchange says: of the station, or of the whole poll. */
const outcomeOf = (error: unknown): Exclude<StationOutcome, 'answered'> | 'stop' => {
  if (!(error instanceof StreamManagerError)) return 'stop';
  if (error instanceof HttpStatusError && [400, 404, 410].includes(error.status)) return 'none';
  const ofTheStation = ['fetch_status', 'fetch_timeout', 'fetch_network', 'fetch_redirect'];
  return ofTheStation.includes(error.code) ? 'failed' : 'stop';
};

const textsOf = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;

/** What an earlier run left; nulls when it left nothing that can be read. */
const readPosition = (
  position: unknown,
  baseUrl: string,
): { readonly round: StationRound | null; readonly listing: StationListing | null } => {
  const round = asObject(asObject(position)?.['round']);
  const listing = asObject(asObject(position)?.['listing']);
  const rest = textsOf(round?.['rest']);
  const again = textsOf(round?.['again']);
  const answered = round?.['answered'];
  const found = textsOf(listing?.['found']);
  const next = listing?.['next'];
  return {
    round:
      rest !== null && rest.length > 0 && again !== null && typeof answered === 'number'
        ? { rest, again, answered }
        : null,
    // A listing of another address (the config was changed) is begun anew.
    listing:
      found !== null && typeof next === 'string' && URL.parse(next)?.origin === new URL(baseUrl).origin
        ? { next, found }
        : null,
  };
};
