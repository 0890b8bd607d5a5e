// Reads a value of a row by its path. Only what the row itself holds: nothing that every object has by its nature, such
// as `constructor`, whatever a path or an answer says.
import { type PathStep, parsePath } from '@stream-manager/shared/config/source-params/field-path';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';

/** The value at a path of a row; undefined when there is none. */
export type PathReader = (row: unknown) => unknown;

const step = (value: unknown, key: PathStep): unknown => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof key === 'number') return Array.isArray(value) ? (value.at(key) as unknown) : undefined;
  // A field of an object that was parsed from JSON or CSV: it exists, and nothing is known of it.
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
};

/** Makes the reader of a path. Throws `config_invalid` for a text that is no path: the config's schema lets none through. */
export const createPathReader = (path: string): PathReader => {
  const steps = parsePath(path);
  if (steps === null) throw new StreamManagerError('config_invalid', `"${path}" is no path into an answer`);
  const [first, second, ...more] = steps;
  if (first === undefined) return (row) => row;
  if (second === undefined) return (row) => step(row, first);
  if (more.length === 0) return (row) => step(step(row, first), second);
  return (row) => steps.reduce<unknown>(step, row);
};
