// The value of a stored record, which is the finished Kafka value, as an object again. Only for the few that have to be
// looked into: the hot path never parses it.

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A record's value as an object; null if it is not one. */
export const parseValue = (value: Buffer): Readonly<Record<string, unknown>> | null => {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
};
