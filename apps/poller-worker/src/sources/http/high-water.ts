// The largest value of a pass: what the next pass asks for news after. In whatever order an API answers, it is kept only
// when all pages were read.
import { parseInstant } from '../instants.ts';

/** A value of a cursor. */
export type Mark = string | number;

/**
 * The larger of two. Numbers (also as text) and times are compared as such, other texts sign by sign. Of two equal ones
 * the first.
 */
export const largerMark = (one: Mark | null, other: Mark | null): Mark | null => {
  if (one === null || other === null) return one ?? other;
  return compareMarks(one, other) >= 0 ? one : other;
};

const wholeNumber = /^-?\d{1,1000}$/;
const decimal = /^-?\d{1,300}(\.\d{1,300})?$/;

const compareMarks = (one: Mark, other: Mark): number => {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const [left, right] = [String(one), String(other)];
  // Ids can have more digits than a number holds.
  if (wholeNumber.test(left) && wholeNumber.test(right)) {
    const [first, second] = [BigInt(left), BigInt(right)];
    return first === second ? 0 : first > second ? 1 : -1;
  }
  // Digits beyond those that a number or a time holds decide between two that are otherwise the same.
  if (decimal.test(left) && decimal.test(right) && Number(left) !== Number(right)) return Number(left) - Number(right);
  const [leftMs, rightMs] = [parseInstant(left), parseInstant(right)];
  if (leftMs !== null && rightMs !== null && leftMs !== rightMs) return leftMs - rightMs;
  return left === right ? 0 : left > right ? 1 : -1;
};
