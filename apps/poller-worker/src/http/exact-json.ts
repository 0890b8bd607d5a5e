// JSON whose whole numbers keep all their digits. JavaScript rounds those beyond 2^53, so that two ids of a provider that
// counts further would become one, and one of two readings be taken for the other. They are texts here, as they stood.

// A number of 16 digits or more, between the signs that a value stands between. Digits in quotes are a text already.
const longNumber = /[[:,]\s*-?\d{16,}\s*[,}\]]/;
const wholeNumber = /^-?\d+$/;

/** What the text means. Throws a SyntaxError like JSON.parse; a text without long numbers costs a look more (1 ms per MB). */
export const parseExactJson = (text: string): unknown =>
  // What JSON means is not known to anybody.
  longNumber.test(text) ? (JSON.parse(text, keepDigits) as unknown) : (JSON.parse(text) as unknown);

const keepDigits = (_name: string, value: unknown, context?: { readonly source?: string }): unknown => {
  const source = context?.source;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return wholeNumber.test(source) ? source : value;
};
