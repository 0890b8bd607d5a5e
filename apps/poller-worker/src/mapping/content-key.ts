// What a reading without an id of its own is known by: all that it says. The order of names says nothing, so an API that
// writes them in another order tomorrow does not make all its readings new ones.
import { hash } from 'node:crypto';

/** 43 base64url characters over a value that JSON can hold; the same for the same content. */
export const contentKey = (content: unknown): string => hash('sha256', JSON.stringify(sorted(content)), 'base64url');

const sorted = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  // Pairs in a list, and no object: it would put names that are numbers first, and take `__proto__` for something else.
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
};
