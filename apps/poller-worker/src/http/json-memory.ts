// How much memory a JSON text comes to, before it is parsed: 64 MB of `{},{},` are 1.6 GB, once in the thread that parses
// and once where the value is used. A heap that is used up ends the whole process, that of a thread as well (Node 24), so it
// has to be known beforehand.

/** What a byte of the text comes to, in bytes: each itself, and what begins with it. About right for V8, rather more. */
const costs = new Uint8Array(256).fill(1);
for (const [sign, bytes] of [
  ['{', 64],
  ['[', 48],
  [':', 32],
  [',', 16],
] as const)
  costs[sign.charCodeAt(0)] = 1 + bytes;

/** An estimate in bytes; what stands in quotes is taken for what it looks like. About 1 ms per MB. */
export const jsonMemory = (pieces: readonly Uint8Array[]): number => {
  let sum = 0;
  for (const piece of pieces) for (const byte of piece) sum += costs[byte] ?? 1;
  return sum;
};

/** What every text may come to, in bytes. */
const leastMemory = 64 * 1024 * 1024;
/** And so many times its own size: rows of real APIs come to 2 to 13 times. */
const timesItself = 16;

/** What a text of so many bytes may come to, in a process whose heap holds `heapLimit` bytes: half of it at most. */
export const mostJsonMemory = (textBytes: number, heapLimit: number): number =>
  Math.min(leastMemory + textBytes * timesItself, heapLimit / 2);
