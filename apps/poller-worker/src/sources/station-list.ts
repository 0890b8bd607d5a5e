// The stations of a state (GET /stations?state=CA, GeoJSON, paged). The list is read page by page, each a request under
// the rate limit, so that where it stands can be kept between two runs of a poll.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { asObject } from './json-fields.ts';
import { nextLink } from './next-link.ts';

/** Where the reading of a list stands. */
export interface StationListing {
  /** Address of the next page; null when the list is complete. */
  readonly next: string | null;
  readonly found: readonly string[];
}

/** Bound of a list: four times what the largest state has. */
const maxStations = 20_000;

const stationId = /^[A-Za-z0-9_-]{1,40}$/;

/** The beginning of a listing. */
export const newListing = (baseUrl: string, state: string): StationListing => ({
  next: new URL(`/stations?state=${encodeURIComponent(state)}&limit=500`, baseUrl).href,
  found: [],
});

/**
 * The listing after one more page. Entries without a usable id are passed over: they are no readings. A page without
 * stations is the last one: NWS gives a next link on every page. Throws `response_unreadable`.
 */
export const addListPage = (listing: StationListing, answer: unknown, baseUrl: string): StationListing => {
  const features = asObject(answer)?.['features'];
  if (!Array.isArray(features))
    throw new StreamManagerError('response_unreadable', 'expected a list of stations with features, found none');
  const ids = features
    .map((feature: unknown) => asObject(asObject(feature)?.['properties'])?.['stationIdentifier'])
    .filter((id) => typeof id === 'string' && stationId.test(id))
    // The filter has shown that they are texts.
    .map((id) => id as string);
  const found = [...new Set([...listing.found, ...ids])];
  if (found.length > maxStations)
    throw new StreamManagerError('response_unreadable', `the list of stations is longer than ${maxStations}`);
  // A page that brings nothing new is the last one too: so a link in a circle ends.
  const next = found.length === listing.found.length ? null : nextLink(answer, baseUrl);
  return { next, found };
};
