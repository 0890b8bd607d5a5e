// The time zones of the United States by the letters that AirNow writes behind its hours, and how many hours they lie
// behind UTC. A zone that is not in the table is never guessed.

const hoursBehind: ReadonlyMap<string, number> = new Map([
  ['UTC', 0],
  ['GMT', 0],
  ['AST', 4],
  ['ADT', 3],
  ['EST', 5],
  ['EDT', 4],
  ['CST', 6],
  ['CDT', 5],
  ['MST', 7],
  ['MDT', 6],
  ['PST', 8],
  ['PDT', 7],
  ['AKST', 9],
  ['AKDT', 8],
  ['HST', 10],
  ['HDT', 9],
  ['HAST', 10],
  ['HADT', 9],
  ['SST', 11],
  // Guam and the Northern Marianas lie before UTC.
  ['CHST', -10],
]);

/** Hours to add to a local hour to have it in UTC; null for letters that are no known zone. */
export const hoursBehindUtc = (letters: string): number | null => hoursBehind.get(letters.trim().toUpperCase()) ?? null;
