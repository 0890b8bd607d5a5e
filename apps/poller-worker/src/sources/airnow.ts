// AirNow: the current air quality index by ZIP code (GET /aq/observation/zipCode/current/), one request and one page per
// code. The API wants no more than 500 requests an hour for a key, and has new values once an hour.
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { HttpClient } from '../http/http-client.ts';
import { HttpStatusError } from '../http/http-status-error.ts';
import { createRedactor, excerptOf, type Redactor } from '../http/secrets.ts';
import { parseAirNowRow } from './airnow-row.ts';
import { askEach, type ItemPage } from './ask-each.ts';
import { asObject, jsonFields } from './json-fields.ts';
import { keptRowParser } from './kept-json.ts';
import { type ParsedRows, parsedRows } from './parsed-rows.ts';
import { receiptsOf, unchangedRows } from './receipts.ts';
import { newRound, readRound } from './round.ts';
import type { Source, SourceFactory } from './source.ts';
import { unsupported } from './unsupported.ts';

/** The connector; ZIP codes that were left out are told to the logger. */
export const createAirNow =
  (deps: { readonly logger?: Logger } = {}): SourceFactory =>
  (source): Source => {
    if (source.type !== 'airnow') throw unsupported(source, 'airnow');
    const { apiKey, zipCodes, distance } = source.params;
    const redact = createRedactor([apiKey]);

    const ask = async (http: HttpClient, zipCode: string): Promise<ItemPage> => {
      const url = new URL('/aq/observation/zipCode/current/', source.baseUrl);
      const query = { format: 'application/json', zipCode, distance: String(distance), API_KEY: apiKey };
      url.search = new URLSearchParams(query).toString();
      try {
        const response = await http.fetch({ url, accept: 'application/json', credential: apiKey });
        if (response.unchanged !== null) return unchangedRows(response.unchanged);
        return { ...parseAirNow(await response.json(), redact), ...receiptsOf(response) };
      } catch (error) {
        if (error instanceof HttpStatusError && error.code !== 'rate_limited')
          throw refusalOf(error.excerpt, redact) ?? error;
        throw error;
      }
    };
    const tell = (codes: readonly string[], message: string, error?: unknown): void => {
      const said = error === undefined ? {} : { error: messageOf(error) };
      deps.logger?.warn({ sourceId: source.id, zipCodes: codes.slice(0, 20), ...said }, message);
    };
    return {
      poll: ({ http, position }) =>
        askEach(readRound(position) ?? newRound(zipCodes), {
          ask: (zipCode) => ask(http, zipCode),
          leftOut: (zipCode, error) => tell([zipCode], 'ZIP code left out', error),
          unknown: (codes) => tell(codes, 'ZIP codes that AirNow refuses'),
        }),
      parseRow: keptRowParser('row', 'a row in JSON', parseAirNowRow),
    };
  };

/** What the words of an error mean; null for words that say nothing more than the status. */
const refusalOf = (words: string, redact: Redactor): StreamManagerError | null => {
  const text = `AirNow says "${excerptOf(words, redact)}"`;
  if (/invalid.{0,20}key|key.{0,20}(invalid|required|missing)|unauthori[sz]ed/i.test(words))
    return new StreamManagerError('credentials_refused', text);
  // Counted by the hour: "the web service will not return data until the next hour" (docs.airnowapi.org/faq).
  if (/limit|too many/i.test(words)) return new StreamManagerError('rate_limited', text);
  return null;
};

/** The rows of one answer; a place without monitors has none. Throws for an error in JSON with status 200, and `response_unreadable`. */
export const parseAirNow = (answer: unknown, redact: Redactor): ParsedRows => {
  if (!Array.isArray(answer)) {
    const said = asObject(answer)?.['WebServiceError'];
    const first = asObject(Array.isArray(said) ? said[0] : said);
    const words = first === null ? null : jsonFields(first).text('Message');
    throw (
      (words === null ? null : refusalOf(words, redact)) ??
      new StreamManagerError(
        'response_unreadable',
        `expected a list of observations, found ${excerptOf(words ?? JSON.stringify(answer) ?? 'nothing', redact)}`,
      )
    );
  }
  return parsedRows(answer, parseAirNowRow);
};
