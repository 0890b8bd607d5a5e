// Turns a value as a row holds it into what a field was declared to be. No guesses: a text is taken for a number only where
// the config says so, and what is no number then is a fault of its row.
import { numberOf } from '../sources/decimals.ts';
import type { TimeReader } from './read-time.ts';

/** Reads a value that is there: neither null nor a text that means "no value". */
export type ValueReader = (value: unknown) => unknown;

/** Given in place of a value that is not what was declared. */
export const notIt = Symbol('not what was declared');

/** A finite number, or a text that is one. */
export const readNumber: ValueReader = (value) => {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value.trim()) : Number.NaN;
  return Number.isFinite(number) ? number : notIt;
};

/** A text; a number or truth value as it is written. */
export const readText: ValueReader = (value) => {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : notIt;
};

const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
  ['yes', true],
  ['no', false],
  ['1', true],
  ['0', false],
]);

/** true and false; as texts also yes, no, 1 and 0, in any case. */
export const readBoolean: ValueReader = (value) => {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim().toLowerCase() : '';
  return truths.get(word) ?? notIt;
};

/** A time as ISO 8601 UTC with milliseconds. */
export const timeAsText =
  ({ read }: TimeReader): ValueReader =>
  (value) => {
    const ms = read(value);
    return ms === null ? notIt : new Date(ms).toISOString();
  };
