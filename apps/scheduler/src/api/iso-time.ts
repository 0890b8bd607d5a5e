// Times as the API gives them.

/** ISO 8601 in UTC of milliseconds since the epoch; null: it is not known, or there is none. Pure. */
export const isoOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();
