// Numbers of CSV rows on the hot path: read strictly, and printed again without paying for it. Printing a double costs
// more than anything else in a row (0.2 µs each), so a text that is already in its shortest form is kept as it is.

/** A finite decimal number, or NaN. JavaScript's own conversion also takes nothing for 0, and 0x10 for 16. */
export const numberOf = (cell: string): number => {
  const value = Number(cell);
  if (value === 0 && !cell.includes('0')) return Number.NaN;
  return Number.isFinite(value) && !hasRadix(cell) ? value : Number.NaN;
};

const hasRadix = (cell: string): boolean => {
  const second = cell.charCodeAt(1) | 0x20;
  // x, o, b; a space before them is for the slow way.
  if (second === 0x78 || second === 0x6f || second === 0x62) return true;
  return cell.charCodeAt(0) <= 0x20 && /0[xob]/i.test(cell);
};

const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** `String(value)` of a cell that `numberOf` gave `value` for: 39.75960 and 39.7596 are the same place. */
export const shortestForm = (cell: string, value: number): string => (isShortest(cell, value) ? cell : String(value));

/** Surely `String(value)`? False costs time only. */
const isShortest = (cell: string, value: number): boolean => {
  const { length } = cell;
  // Up to 15 digits a double gives back what it was read from; below a millionth it is printed with an exponent.
  if (length > 15 || (value > -0.000_01 && value < 0.000_01)) return false;
  const from = cell.charCodeAt(0) === minus ? 1 : 0;
  const first = cell.charCodeAt(from);
  if (first < zero || first > nine || (first === zero && cell.charCodeAt(from + 1) !== point)) return false;
  const last = cell.charCodeAt(length - 1);
  if (last <= zero || last > nine) return false;
  let hasPoint = false;
  for (let at = from + 1; at < length; at += 1) {
    const sign = cell.charCodeAt(at);
    if (sign === point && !hasPoint) hasPoint = true;
    else if (sign < zero || sign > nine) return false;
  }
  return true;
};

/** Tenths of degrees from 0 to 180 as text, made when first needed: 1,801 texts at most. */
const tenths: string[] = [];

/**
 * Degrees from -180 to 180 rounded to a tenth and printed with one decimal, as `toFixed(1)` does; minus zero has no sign.
 */
export const tenthOf = (degrees: number): string => {
  const scaled = Math.abs(degrees) * 10;
  const whole = Math.round(scaled);
  // Next to a tie the product's own rounding decides wrongly: 0.15 × 10 is 1.5, but 0.15 lies below the tie.
  const isNearTie = Math.abs(scaled - Math.floor(scaled) - 0.5) < 1e-6;
  if (isNearTie || whole > 1800) {
    const text = degrees.toFixed(1);
    return text === '-0.0' ? '0.0' : text;
  }
  const text = (tenths[whole] ??= (whole / 10).toFixed(1));
  return degrees < 0 && whole !== 0 ? `-${text}` : text;
};
