// NOAA/NWS: the active weather alerts of an area (GET /alerts/active, GeoJSON). Updates and cancellations are messages of
// their own that refer to earlier ones; that an alert is gone from the list means nothing.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import { parseInstant } from './instants.ts';
import { invalidRow, rowFault } from './invalid-row.ts';
import { asObject, type JsonFields, jsonFields, readPoint } from './json-fields.ts';
import { keptRowParser } from './kept-json.ts';
import { nextLink } from './next-link.ts';
import { type ParsedRows, parsedRows } from './parsed-rows.ts';
import { receiptsOf, unchangedPage } from './receipts.ts';
import type { SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/** Pages of one poll at most: an area has hundreds of alerts, and a page as many. More of them fail it, and the next one goes on. */
const maxPages = 100;

/** One poll is one request, or one per page if NWS pages its answer. */
export const createNoaaAlerts: SourceFactory = (source) => {
  if (source.type !== 'noaa-alerts') throw unsupported(source, 'noaa-alerts');
  const { baseUrl, params } = source;
  return {
    poll: async function* ({ http, position }) {
      let url: string | null = pagePosition(position, baseUrl) ?? firstPage(baseUrl, params.area);
      const asked = new Set<string>();
      for (let page = 1; url !== null; page += 1) {
        asked.add(url);
        const response = await http.fetch({ url: new URL(url), accept: 'application/geo+json', credential: null });
        if (response.unchanged !== null) {
          yield unchangedPage(response.unchanged, null);
          return;
        }
        const answer = await response.json();
        const next: string | null = nextLink(answer, baseUrl);
        // NWS may give a link for ever: behind a page without alerts, and at one that was read, there is nothing new.
        const isLast: boolean = next === null || asked.has(next) || featuresOf(answer).length === 0;
        // One that counted as used up would come without its link: only a page without a next one can.
        const receipts = next === null ? receiptsOf(response) : {};
        url = isLast ? null : next;
        yield { ...parseAlerts(answer), ...receipts, position: url === null ? null : { next: url } };
        if (url !== null && page === maxPages)
          throw new StreamManagerError(
            'response_unreadable',
            `the list of alerts has more than ${maxPages} pages; what came is kept, and the next poll goes on there`,
          );
      }
    },
    parseRow: keptRowParser('alert', 'an alert in JSON', parseAlert),
  };
};

const firstPage = (baseUrl: string, area: string): string => {
  const url = new URL('/alerts/active', baseUrl);
  url.search = new URLSearchParams({ area, status: 'actual' }).toString();
  return url.href;
};

const pagePosition = (position: unknown, baseUrl: string): string | null => {
  const next = asObject(position)?.['next'];
  const url = typeof next === 'string' ? URL.parse(next) : null;
  return url !== null && url.origin === new URL(baseUrl).origin ? url.href : null;
};

const featuresOf = (answer: unknown): readonly unknown[] => {
  const features = asObject(answer)?.['features'];
  if (!Array.isArray(features))
    throw new StreamManagerError(
      'response_unreadable',
      'expected a GeoJSON collection of alerts with features, found none',
    );
  return features;
};

/** The rows of one answer. Throws `response_unreadable` if it is no collection. */
export const parseAlerts = (answer: unknown): ParsedRows => parsedRows(featuresOf(answer), parseAlert);

const parseAlert = (given: unknown): SourceRecord | InvalidRow => {
  const feature = asObject(given);
  const properties = asObject(feature?.['properties']);
  if (feature === null || properties === null)
    return invalidRow(given, rowFault('wrong_shape', 'alert', 'a GeoJSON feature with properties', given));
  const fields = jsonFields(properties);
  // Never the feature's own id: that is the address of the same alert, and would make it another one.
  const alertId = fields.neededText('id');
  const observedAtMs = fields.neededInstant('sent');
  const references = referencesOf(fields, properties['references'] ?? null);
  const geometry = feature['geometry'] ?? null;
  if (geometry !== null && asObject(geometry) === null)
    fields.fail(rowFault('wrong_shape', 'geometry', 'a GeoJSON geometry', geometry));
  const location = readPoint(fields, geometry, null);
  const data = {
    alertId,
    event: fields.neededText('event'),
    headline: fields.text('headline'),
    description: fields.text('description'),
    instruction: fields.text('instruction'),
    severity: fields.text('severity'),
    certainty: fields.text('certainty'),
    urgency: fields.text('urgency'),
    areaDescription: fields.text('areaDesc'),
    effective: fields.isoUtc('effective'),
    onset: fields.isoUtc('onset'),
    expires: fields.isoUtc('expires'),
    ends: fields.isoUtc('ends'),
    status: fields.text('status'),
    messageType: fields.text('messageType'),
    category: fields.text('category'),
    sender: fields.text('sender'),
    references,
    geometry,
  };
  const fault = fields.fault();
  if (fault !== null || alertId === null || observedAtMs === null)
    return invalidRow(given, fault ?? rowFault('missing_value', 'sent', 'a time', null));
  return {
    type: 'weather-alert',
    naturalKey: alertId,
    observedAtMs,
    ...(location === null ? {} : { location }),
    data,
    // All messages about one alert lie in one partition, in their order.
    partitionKey: firstSent(properties['references']) ?? references[0] ?? alertId,
  };
};

/** Of the messages referred to the one that was sent first, so that the order of the list does not matter; null if one does not say when. */
const firstSent = (given: unknown): string | null => {
  let first: { readonly id: string; readonly sentMs: number } | null = null;
  for (const reference of Array.isArray(given) ? (given as readonly unknown[]) : []) {
    const { identifier, sent } = asObject(reference) ?? {};
    const sentMs = typeof sent === 'string' ? parseInstant(sent) : null;
    if (typeof identifier !== 'string' || sentMs === null) return null;
    if (first === null || sentMs < first.sentMs) first = { id: identifier, sentMs };
  }
  return first?.id ?? null;
};

/** Ids of the messages that this one updates or cancels; NWS gives objects with `identifier`. */
const referencesOf = (fields: JsonFields, given: unknown): readonly string[] => {
  if (given === null) return [];
  const ids = Array.isArray(given)
    ? given.map((reference: unknown) =>
        typeof reference === 'string' ? reference : asObject(reference)?.['identifier'],
      )
    : [null];
  const texts = ids.filter((id) => typeof id === 'string' && id !== '');
  if (texts.length !== ids.length) fields.fail(rowFault('wrong_shape', 'references', 'a list with identifiers', given));
  // The filter has shown that they are texts.
  return texts as readonly string[];
};
