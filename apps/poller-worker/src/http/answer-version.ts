// What a provider calls this version of an answer, and how it is asked whether there is a newer one (RFC 9110, 8.8 and 13).
import type { Receipt } from './http-client.ts';

/** Names of a version, as the provider gave them. */
export type AnswerVersion = Pick<Receipt, 'etag' | 'lastModified'>;

/** Longer ones are not kept: an answer without a name is fetched whole. */
const longestName = 512;

const usable = (value: string | undefined): value is string =>
  value !== undefined && value !== '' && value.length <= longestName && /^[\x21-\x7e][\x20-\x7e]*$/.test(value);

/**
 * The version that an answer's headers name. Weak ETags count. A time of change counts only where there is no ETag, and if
 * the answer's own `Date` is at least a second later: what changes twice in a second has one time for two answers.
 */
export const versionOf = (headers: Readonly<Record<string, string>>): AnswerVersion => {
  const etag = headers['etag']?.trim();
  if (usable(etag)) return { etag };
  const lastModified = headers['last-modified']?.trim();
  if (!usable(lastModified)) return {};
  const settledMs = Date.parse(headers['date'] ?? '') - Date.parse(lastModified);
  return settledMs >= 1_000 ? { lastModified } : {};
};

/** The headers that ask for the answer only if it is another version; null: it has no name to ask by. */
export const conditionOf = ({ etag, lastModified }: AnswerVersion): Readonly<Record<string, string>> | null => {
  if (etag !== undefined) return { 'if-none-match': etag };
  return lastModified === undefined ? null : { 'if-modified-since': lastModified };
};

const conditions = new Set(['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range']);

/** Do these headers ask conditionally already? */
export const areConditional = (headers: Readonly<Record<string, string>>): boolean =>
  Object.keys(headers).some((name) => conditions.has(name.toLowerCase()));
