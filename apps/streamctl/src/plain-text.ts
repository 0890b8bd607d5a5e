// Text of others for the terminal: what a provider or a device wrote may hold signs that move the cursor, colour the screen
// or break a table. Pure.

/** On one line, without signs that a terminal acts on. */
export const plainText = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();

/** The same with its lines and tabs kept: a row as it came, for people. */
export const plainLines = (text: string): string => text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, ' ');

/** The beginning of it, at most so many characters. */
export const cutText = (text: string, characters: number): string =>
  text.length > characters ? `${text.slice(0, Math.max(0, characters - 1))}…` : text;
