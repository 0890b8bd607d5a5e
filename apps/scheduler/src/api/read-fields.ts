// The fields of a request's JSON body. A field that makes no sense is refused by its name. Pure.
import { Refusal } from './refusal.ts';

/** A field or a body makes no sense; the message is for people. */
export class FieldError extends Refusal {
  constructor(message: string) {
    super(400, message);
  }
}

const isoTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** A day such as 31 February is read as one of March. */
const isDay = (text: string): boolean => {
  const day = text.slice(0, 'YYYY-MM-DD'.length);
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
};

/** A date, or a time with its zone, in milliseconds since the epoch; NaN for anything else. */
export const parseTime = (text: string): number => (isoTime.test(text) && isDay(text) ? Date.parse(text) : Number.NaN);

/** How deep lists and objects of a value may lie in each other: deeper ones end in an overflow of some stack. */
const deepest = 100;

/** A JSON value that anybody can read again. Throws `FieldError`. Pure. */
export const requireShallow = (name: string, value: unknown): void => {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) throw new FieldError(`${name}: lists and objects lie in each other more than ${deepest} deep`);
    level = level.flatMap((one): readonly unknown[] =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    );
  }
};

/** Longest excerpt of a value in a message, in characters. */
const shownCharacters = 60;

/** A value for a message, cut to what a line can hold. */
export const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
};

/** The body as an object of these fields at most. Throws `FieldError`. */
export const readBody = <Name extends string>(
  body: unknown,
  known: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> => {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new FieldError(`body: expected a JSON object (Content-Type: application/json) with ${known.join(', ')}`);
  const names: readonly string[] = known;
  const unknown = Object.keys(body).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new FieldError(`${unknown}: there is no such field; there are ${known.join(', ')}`);
  // An object without other names than these.
  return body as Readonly<Partial<Record<Name, unknown>>>;
};

/** A date or time of the body, in milliseconds since the epoch. Throws `FieldError`. */
export const readTime = (name: string, value: unknown): number => {
  const at = typeof value === 'string' ? parseTime(value) : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw new FieldError(`${name}: expected a time such as 2026-05-01 or 2026-05-01T12:00:00Z, not ${shown(value)}`);
};

/** The version that a cursor is expected to have; undefined: none was given. Throws `FieldError`. */
export const readVersion = (value: unknown): number | undefined => {
  if (value === undefined) return undefined;
  const version = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return version;
  throw new FieldError(`version: expected the number that GET has answered, not ${shown(value)}`);
};
