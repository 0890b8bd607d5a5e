// Where the rows of a JSON answer lie.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { excerptOf, type Redactor } from '../../http/secrets.ts';
import { createPathReader } from '../../mapping/read-path.ts';
import { asObject, type JsonObject } from '../json-fields.ts';
import type { AnswerSettings } from './answer-rows.ts';

/** Finds the rows of an answer. */
export interface JsonRows {
  /** Throws `response_unreadable` if there is no list. */
  of(document: unknown): readonly unknown[];
}

/** Finds rows as the config says. */
export const createJsonRows = (
  format: 'json' | 'geojson',
  { records, layout }: Pick<AnswerSettings, 'records' | 'layout'>,
  redact: Redactor,
): JsonRows => {
  const read = createPathReader(records ?? '$');
  const refused = (expected: string, document: unknown): StreamManagerError =>
    new StreamManagerError('response_unreadable', `expected ${expected}, found ${shown(document, redact)}`);

  const rowsOf = (document: unknown): readonly unknown[] => {
    if (records === undefined) {
      if (Array.isArray(document) && format === 'json') return document;
      const object = asObject(document);
      const features = object?.['type'] === 'FeatureCollection' ? object['features'] : undefined;
      if (Array.isArray(features)) return features;
      if (object?.['type'] === 'Feature') return [object];
      throw format === 'geojson'
        ? refused('GeoJSON with features', document)
        : refused('a list of records (where it lies elsewhere in the answer: params.records)', document);
    }
    const found = read(document);
    if (Array.isArray(found)) return found;
    // A list that is null is how some languages write one without members.
    if (found === null) return [];
    const single = asObject(found);
    if (single === null) throw refused(`a list of records at ${records}`, document);
    return [single];
  };

  return {
    of: (document) => {
      const rows = rowsOf(document);
      if (layout === 'rows') return rows;
      const [columns] = rows;
      const object = asObject(columns);
      if (rows.length === 0) return [];
      if (object === null || rows.length > 1) throw refused(`a map of lists at ${records ?? '$'}`, document);
      return zipped(object, (text) => refused(text, document));
    },
  };
};

/** Rows of a map of lists. What is no list is the same in every row, such as a map of units. */
const zipped = (columns: JsonObject, refused: (expected: string) => StreamManagerError): readonly unknown[] => {
  const entries = Object.entries(columns);
  const lengths = new Set(entries.flatMap(([, values]) => (Array.isArray(values) ? [values.length] : [])));
  const [length] = lengths;
  if (length === undefined || lengths.size > 1) throw refused('lists of one length');
  return Array.from({ length }, (_row, at) =>
    Object.fromEntries(
      entries.map(([name, values]) => [name, Array.isArray(values) ? (values[at] as unknown) : values]),
    ),
  );
};

/** Fields of an answer that an error shows. */
const shownFields = 10;

/** What of an answer says what it is: an error in JSON with status 200 has few fields. */
const shown = (document: unknown, redact: Redactor): string => {
  if (Array.isArray(document)) return `a list of ${document.length}`;
  const object = asObject(document);
  if (object === null) return excerptOf(JSON.stringify(document) ?? 'nothing', redact);
  const fields = Object.entries(object).slice(0, shownFields);
  const texts = fields.map(([name, value]) =>
    typeof value === 'object' && value !== null ? `${name}: …` : `${name}: ${JSON.stringify(value)}`,
  );
  return `{ ${excerptOf(texts.join(', '), redact)} }`;
};
