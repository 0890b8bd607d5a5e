// Forms of times: how a provider writes them, and how a request wants them written. A form is a word (`iso8601`, `unix_s`,
// `unix_ms`) or a pattern of YYYY (or YY), MM, DD, HH, mm, ss and SSS with signs between them. Free of zod.

/** Forms with a name. `iso8601`: with Z or an offset; `unix_s`, `unix_ms`: seconds or milliseconds since 1970. */
export const namedTimeFormats = ['iso8601', 'unix_s', 'unix_ms'] as const;
export type NamedTimeFormat = (typeof namedTimeFormats)[number];

/** Is it one of the words? */
export const isNamedTimeFormat = (text: string): text is NamedTimeFormat =>
  namedTimeFormats.some((name) => name === text);

const tokens = ['YYYY', 'YY', 'SSS', 'MM', 'DD', 'HH', 'mm', 'ss'] as const;
/** A part of a time that a pattern can hold; YY: a year of this century. */
export type TimeToken = (typeof tokens)[number];

/** A pattern in pieces. */
export type TimePiece = { readonly token: TimeToken } | { readonly text: string };

const pieceForm = /YYYY|YY|SSS|MM|DD|HH|mm|ss|[-/:.,T_ ]/y;
const isToken = (text: string): text is TimeToken => tokens.some((token) => token === text);

/** The pieces of a pattern that holds a whole day at least, no part twice, and none without the one above it; null else. */
export const parseTimePattern = (pattern: string): readonly TimePiece[] | null => {
  const pieces: TimePiece[] = [];
  const seen = new Set<TimeToken>();
  pieceForm.lastIndex = 0;
  while (pieceForm.lastIndex < pattern.length) {
    const text = pieceForm.exec(pattern)?.[0];
    if (text === undefined) return null;
    if (!isToken(text)) {
      pieces.push({ text });
      continue;
    }
    const part = text === 'YY' ? 'YYYY' : text;
    if (seen.has(part)) return null;
    seen.add(part);
    pieces.push({ token: text });
  }
  const order = ['YYYY', 'MM', 'DD', 'HH', 'mm', 'ss', 'SSS'] as const;
  const depth = order.findIndex((token) => !seen.has(token));
  const isGapless = depth === -1 || seen.size === depth;
  return isGapless && seen.has('DD') ? pieces : null;
};

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** A time (milliseconds since the epoch) in UTC, as a pattern wants it. What the pattern leaves out is cut off. */
export const formatTime = (ms: number, pieces: readonly TimePiece[]): string => {
  const date = new Date(ms);
  const parts: Readonly<Record<TimeToken, string>> = {
    YYYY: pad(date.getUTCFullYear(), 4),
    YY: pad(date.getUTCFullYear() % 100, 2),
    MM: pad(date.getUTCMonth() + 1, 2),
    DD: pad(date.getUTCDate(), 2),
    HH: pad(date.getUTCHours(), 2),
    mm: pad(date.getUTCMinutes(), 2),
    ss: pad(date.getUTCSeconds(), 2),
    SSS: pad(date.getUTCMilliseconds(), 3),
  };
  return pieces.map((piece) => ('token' in piece ? parts[piece.token] : piece.text)).join('');
};

/** Does `Intl` know this time zone? */
export const isTimeZone = (text: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};
