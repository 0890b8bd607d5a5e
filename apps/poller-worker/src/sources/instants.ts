// Times as providers write them, read strictly: JavaScript's own parser takes a 30th of February for the 2nd of March.

const isoForm = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/i;

/** The last second of the year 9999: beyond it ISO 8601 has more than four digits for a year. */
export const lastInstantMs = 253_402_300_799_000;

/** Does this day exist, from 1970 on? Kafka knows no time before. */
export const isRealDay = (year: number, month: number, day: number): boolean =>
  year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();

const dayForm = /^(\d{4})-(\d\d)-(\d\d)$/;

/** A day such as 2025-01-04, as milliseconds of its beginning in UTC; null for anything else, or a day that does not exist. */
export const dayStartMs = (text: string): number | null => {
  const parts = dayForm.exec(text);
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  return isRealDay(year, month, day) ? Date.UTC(year, month - 1, day) : null;
};

/** ISO 8601 with an offset or Z, as milliseconds since the epoch; null for anything else, or a time that does not exist. */
export const parseInstant = (text: string): number | null => {
  const parts = isoForm.exec(text);
  if (parts === null || !isRealDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return null;
  // Date.parse wants the offset with a colon.
  const ms = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return ms >= 0 && ms <= lastInstantMs ? ms : null;
};
