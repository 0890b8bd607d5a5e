// The form of an answer: what the config says; only where it leaves that open, what the content type says.
import type { HttpParams } from '@stream-manager/shared/config/source-params/http';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { excerptOf, type Redactor } from '../../http/secrets.ts';

/** A form of answers. */
export type AnswerFormat = Exclude<HttpParams['format'], 'auto'>;

/** The form of an answer. Throws `response_unreadable` if nobody says what it is. */
export const formatOf = (
  configured: HttpParams['format'],
  contentType: string | undefined,
  redact: Redactor,
): AnswerFormat => {
  if (configured !== 'auto') return configured;
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  const name = type.trim();
  if (/[/+]geo\+?json$/.test(name)) return 'geojson';
  if (/^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)$/.test(name)) return 'ndjson';
  if (/[/+]json$/.test(name)) return 'json';
  if (/^(text|application)\/csv$/.test(name)) return 'csv';
  const found = contentType === undefined ? 'no content type' : `the content type "${excerptOf(contentType, redact)}"`;
  throw new StreamManagerError(
    'response_unreadable',
    `expected JSON, GeoJSON, NDJSON or CSV, found ${found}: if the answer is one of them, name it in params.format`,
  );
};

/** The `Accept` header that asks for a form. */
export const acceptOf: Readonly<Record<HttpParams['format'], string>> = {
  auto: 'application/json, application/geo+json, application/x-ndjson, text/csv;q=0.9, */*;q=0.1',
  json: 'application/json, */*;q=0.1',
  geojson: 'application/geo+json, application/json;q=0.9, */*;q=0.1',
  ndjson: 'application/x-ndjson, application/jsonl, application/json;q=0.5, */*;q=0.1',
  csv: 'text/csv, text/plain;q=0.5, */*;q=0.1',
};
