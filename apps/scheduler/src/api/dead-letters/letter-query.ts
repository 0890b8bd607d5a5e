// What a request asks of the dead letters, read from a query string or a JSON body. A field that cannot be read is an
// error that names it, and so is a field nobody knows: a filter with a slip of the pen must not discard everything.
import { durationForm, parseDuration } from '@stream-manager/shared/config/durations';
import { FieldError, parseTime, shown } from '../read-fields.ts';
import { type LetterPlace, type LetterRange, readCursor, readRange } from './letter-order.ts';

/** Most letters that one request lists or works through. */
export const maxLetters = 1_000;
/** Most letters that a dry run with a limit counts: it walks through them, and holds none. */
const maxCounted = 10_000_000;
const defaultListed = 100;

/** Which letters are meant: all conditions hold. */
export interface LetterFilter {
  readonly source?: string;
  readonly code?: string;
  /** Failed at this time or later, in milliseconds since the epoch. */
  readonly since?: number;
  readonly ids?: readonly string[];
}

/** A request for a list. */
export interface ListQuery {
  readonly filter: LetterFilter;
  readonly limit: number;
  readonly cursor: LetterPlace | null;
}

/** A request for an act. `limit` null: none was given; one call then works through `maxLetters`. */
export interface ActQuery {
  readonly filter: LetterFilter;
  readonly limit: number | null;
  readonly cursor: LetterPlace | null;
  /** Only letters that a dry run has counted. */
  readonly until: LetterRange | null;
  readonly dryRun: boolean;
}

/** A request that cannot be understood: one sentence that begins with the field's name. */
export interface BadQuery {
  readonly error: string;
}

/** Whether a query could not be read. */
export const isBadQuery = (query: ListQuery | ActQuery | BadQuery): query is BadQuery => 'error' in query;

const readText = (name: string, value: unknown, max = 200): string => {
  if (Array.isArray(value)) throw new FieldError(`${name}: may be given once, but is a list`);
  if (typeof value !== 'string' || value === '' || value.length > max)
    throw new FieldError(`${name}: expected a text of 1 to ${max} characters, not ${shown(value)}`);
  return value;
};

const readSince = (value: unknown, now: number): number => {
  const text = readText('since', value);
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const at = parseTime(text);
  if (Number.isFinite(at)) return at;
  throw new FieldError(
    `since: expected a time such as 2026-05-01T12:00:00Z, or how long ago (${durationForm}), not ${shown(text)}`,
  );
};

const readLimit = (value: unknown, max = maxLetters): number => {
  const limit = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > max)
    throw new FieldError(`limit: expected a whole number from 1 to ${max}, not ${shown(value)}`);
  return limit;
};

const readIds = (value: unknown): readonly string[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxLetters)
    throw new FieldError(`ids: expected a list of 1 to ${maxLetters} ids`);
  return [...new Set(value.map((id: unknown) => readText('ids', id)))];
};

const readFlag = (name: string, value: unknown): boolean => {
  if (typeof value === 'boolean') return value;
  throw new FieldError(`${name}: expected true or false, not ${shown(value)}`);
};

const readPlace = (value: unknown): LetterPlace => {
  const place = readCursor(readText('cursor', value));
  if (place === null) throw new FieldError('cursor: expected the "next" of an earlier answer');
  return place;
};

const readUntil = (value: unknown): LetterRange => {
  // Two places.
  const range = readRange(readText('until', value, 500));
  if (range === null) throw new FieldError('until: expected the "until" that a dry run answered');
  return range;
};

type Fields = Readonly<Record<string, unknown>>;

const refuseUnknown = (fields: Fields, known: readonly string[]): void => {
  for (const name of Object.keys(fields))
    if (!known.includes(name)) throw new FieldError(`${name}: unknown field; known are ${known.join(', ')}`);
};

const readFilter = (fields: Fields, now: number, sources: ReadonlySet<string>): LetterFilter => {
  const source = fields.source === undefined ? undefined : readText('source', fields.source);
  if (source !== undefined && !sources.has(source)) throw new FieldError(`source: there is no source "${source}"`);
  return {
    ...(source === undefined ? {} : { source }),
    ...(fields.code === undefined ? {} : { code: readText('code', fields.code) }),
    ...(fields.since === undefined ? {} : { since: readSince(fields.since, now) }),
    ...(fields.ids === undefined ? {} : { ids: readIds(fields.ids) }),
  };
};

const attempt = <T>(read: () => T): T | BadQuery => {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldError) return { error: error.message };
    throw error;
  }
};

interface Known {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Every source that may have letters. */
  readonly sources: ReadonlySet<string>;
}

/** Reads the query string of `GET /api/dead-letters`. Pure. */
export const readListQuery = (fields: Fields, known: Known): ListQuery | BadQuery =>
  attempt(() => {
    refuseUnknown(fields, ['source', 'code', 'since', 'limit', 'cursor']);
    return {
      filter: readFilter(fields, known.now, known.sources),
      limit: fields.limit === undefined ? defaultListed : readLimit(fields.limit),
      cursor: fields.cursor === undefined ? null : readPlace(fields.cursor),
    };
  });

/** Reads the body of `POST /api/dead-letters/replay` and `/discard`. Pure. */
export const readActQuery = (body: unknown, known: Known): ActQuery | BadQuery =>
  attempt(() => {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new FieldError('body: expected a JSON object, with content-type application/json');
    // A JSON object, which has names and values.
    const fields = body as Fields;
    refuseUnknown(fields, ['source', 'code', 'since', 'ids', 'limit', 'cursor', 'until', 'all', 'dryRun']);
    const filter = readFilter(fields, known.now, known.sources);
    const isAll = fields.all !== undefined && readFlag('all', fields.all);
    if (!isAll && Object.keys(filter).length === 0)
      throw new FieldError('all: give at least one of source, code, since and ids, or all: true for every dead letter');
    const dryRun = fields.dryRun !== undefined && readFlag('dryRun', fields.dryRun);
    return {
      filter,
      limit: fields.limit === undefined ? null : readLimit(fields.limit, dryRun ? maxCounted : maxLetters),
      cursor: fields.cursor === undefined ? null : readPlace(fields.cursor),
      until: fields.until === undefined ? null : readUntil(fields.until),
      dryRun,
    };
  });
