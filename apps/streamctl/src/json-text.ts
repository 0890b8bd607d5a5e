// Answers as JSON, for programs and for files that people read.

/** On lines of its own, with a line break at its end. Pure. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
