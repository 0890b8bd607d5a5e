// What a request is called in Redis. Requests that ask the same with the same credential have the same name, whichever
// source makes them; the name tells nothing of what is in them. Keys and passwords can be short: the hash is keyed with
// one that takes 10 ms to derive from them, once per credential and process, so that guessing one from a name is slow.
import { createHash, createHmac, scryptSync } from 'node:crypto';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import type { HttpRequest } from './http-client.ts';

/** The names of one request. */
export interface RequestName {
  /** Same for all who ask the same: the name of its answer in the cache. */
  readonly asked: string;
  /**
   * Same for those who also read the answer in the same way: the name under which a source keeps what it has used up. After a
   * change of its params, of its own module, or of this program, an answer is looked through again.
   */
  readonly read: string;
}

/** Names the requests of one process. */
export interface RequestNames {
  nameOf(source: ResolvedSource, request: HttpRequest): RequestName;
}

/** Credentials whose derived key is remembered. */
const mostKeys = 1_000;
/** Cost of a guess: 2^12 rounds, 4 MiB. */
const guess = { N: 4_096, r: 8, p: 1 };

/** What of a source's entry decides neither what is asked nor how the answer is read. */
const operational = new Set([
  'id',
  'enabled',
  'mode',
  'everyMs',
  'cron',
  'tz',
  'periodMs',
  'rateLimitPerMinute',
  'dailyBudget',
  'timeoutMs',
  'cacheTtlMs',
  'dedupeWindowMs',
  'topic',
  'queue',
  'throttling',
]);

/** What of a source's entry says who asks, beside the request itself. */
const identity = new Set(['headers', 'auth', 'tls']);

const partOf = (source: ResolvedSource, isWanted: (key: string) => boolean): string =>
  JSON.stringify(
    Object.entries(source)
      .filter(([key]) => isWanted(key))
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );

const sortedHeaders = (request: HttpRequest): readonly (readonly [string, string])[] =>
  Object.entries(request.headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));

/** What reads the answers. */
export interface RequestNamesOptions {
  /** Of this program. */
  readonly version: string;
  /** Of what a source has of its own; default none. */
  readonly versionOf?: (sourceId: string) => string;
}

/** Creates the names of a process. */
export const createRequestNames = ({ version, versionOf = () => '' }: RequestNamesOptions): RequestNames => {
  const keys = new Map<string, Buffer>();
  const keyOf = (secrets: string): Buffer => {
    // Not even this process keeps them twice.
    const id = createHash('sha256').update(secrets).digest('base64');
    const known = keys.get(id);
    if (known !== undefined) return known;
    if (keys.size >= mostKeys) keys.clear();
    const key = scryptSync(secrets, 'stream-manager request name', 32, guess);
    keys.set(id, key);
    return key;
  };

  interface Facts {
    readonly identity: string;
    readonly reader: string;
  }
  const facts = new WeakMap<ResolvedSource, Facts>();
  const factsOf = (source: ResolvedSource): Facts => {
    const known = facts.get(source);
    if (known !== undefined) return known;
    const read = {
      identity: partOf(source, (key) => identity.has(key)),
      reader: partOf(source, (key) => !operational.has(key)),
    };
    facts.set(source, read);
    return read;
  };

  return {
    nameOf: (source, request) => {
      const { identity: who, reader } = factsOf(source);
      const key = keyOf(JSON.stringify([request.credential, who]));
      const hash = (...parts: readonly unknown[]): string =>
        createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
      const { method = 'GET', url, body = null, accept } = request;
      const asked = hash(method, url.href, sortedHeaders(request), accept, body);
      return { asked, read: hash(asked, reader, version, versionOf(source.id)) };
    },
  };
};
