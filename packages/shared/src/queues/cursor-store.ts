// The cursor of a source: from where its next pass goes on. One hash per source, in which a version counts every write, so
// that a pass which began before an operator set or reset the cursor overwrites nothing. A reset leaves the hash and its
// version: without them such a pass could not be told from the first one. Beside it the position: where a pass that was cut
// off stands.

import type { Redis } from 'ioredis';
import { StreamManagerError } from '../failures/errors.ts';
import { sourceKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { millisecondsOf } from './redis-time.ts';
import { numberOf, runScript } from './script-runner.ts';
import { writeCursorScript } from './scripts/write-cursor.ts';
import { readStoredJson } from './stored-json.ts';

/** What is kept of a source between its passes. */
export interface StoredCursor {
  /** `Page.cursor` of the last finished pass (JSON), or what an operator set; null: there is none. */
  readonly value: unknown;
  /** End of the window of the last finished pass, in milliseconds since the epoch; null: there was none, or it was reset. */
  readonly untilMs: number | null;
  /** When it was written, ISO 8601 by Redis' clock; null: never. */
  readonly at: string | null;
  /** Who wrote it: `poll`, or the operator's name; null: nobody. */
  readonly by: string | null;
  /** Grows with every write; 0: never written. */
  readonly version: number;
  /** `PassEnding.request` of the pass that the value is of; null: of none. */
  readonly request: string | null;
}

/** What a poll begins with. */
export interface PollBeginning {
  readonly cursor: StoredCursor;
  /** Where an unfinished pass stands (JSON); null: there is none. */
  readonly position: unknown;
  /** Redis' clock, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What a finished pass hands on. */
export interface PassEnding {
  readonly value: unknown;
  readonly untilMs: number | null;
  /** A short text that stands for what was asked for; the one that is kept stays if it is left out. */
  readonly request?: string;
}

/**
 * What an operator sets: the value, or the time from which on the next pass asks. A time takes the value away, since a source
 * that keeps one asks from there, whatever the time; a value leaves the time.
 */
export type CursorChange = { readonly value: unknown } | { readonly untilMs: number };

/** Keeps cursors. Every call rejects with what Redis answered. */
export interface CursorStore {
  /** One that was never written reads as empty, version 0. */
  read(sourceId: string): Promise<StoredCursor>;
  /** All that a poll has to know before it begins; one round trip. */
  begin(sourceId: string): Promise<PollBeginning>;
  /** Keeps where an unfinished pass stands (JSON); null: it is over. */
  writePosition(sourceId: string, position: unknown): Promise<void>;
  /**
   * The end of a pass that began when the cursor had `expectedVersion`: it is written, and where the pass stood is forgotten.
   * False: somebody wrote it since, and theirs stays. Rejects with `cursor_too_large`; then nothing is changed.
   */
  write(sourceId: string, expectedVersion: number, ending: PassEnding): Promise<boolean>;
  /**
   * An operator's act: wins over a pass that runs, and answers that have not changed are read again. `by`: who did it. Gives the cursor as it is then; null: it did not have
   * `expectedVersion` any more, and nothing was done. Rejects with `cursor_too_large`.
   */
  set(sourceId: string, change: CursorChange, by: string, expectedVersion?: number): Promise<StoredCursor | null>;
  /** An operator's act, as `set`: the next pass begins as the first one did. Gives what `set` gives. */
  reset(sourceId: string, by: string, expectedVersion?: number): Promise<StoredCursor | null>;
}

/** JSON of a cursor at most, in bytes. */
export const longestCursorBytes = 65_536;

/** As `write` is named in `StoredCursor.by`. */
const byPoll = 'poll';

/** Creates the store on a shared connection. */
export const createCursorStore = (redis: Redis, keyPrefix: string): CursorStore => {
  const keysOf = (sourceId: string) => sourceKeys(keyPrefix, sourceId);
  const keysOfAct = (sourceId: string): readonly string[] => {
    const { cursor, marks, markAges } = keysOf(sourceId);
    return [cursor, marks, markAges];
  };
  const read = async (sourceId: string): Promise<StoredCursor> =>
    readCursor(await redis.hgetall(keysOf(sourceId).cursor));
  /** Gives the version it has then; null: the one expected was not there. */
  const write = async (
    keys: readonly string[],
    expected: number | 'any',
    by: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<number | null> => {
    const reply = await runScript(redis, writeCursorScript, keys, [expected, by, ...Object.entries(fields).flat()]);
    return reply === null ? null : numberOf(reply);
  };
  return {
    read,
    begin: async (sourceId) => {
      const { cursor, position } = keysOf(sourceId);
      const [time, fields, stored] = valuesOfPipeline(
        await redis.pipeline().time().hgetall(cursor).get(position).exec(),
      );
      // HGETALL answers an object of strings, GET a string or null.
      return {
        cursor: readCursor(fields as Readonly<Record<string, string>>),
        position: readStoredJson(stored as string | null),
        nowMs: millisecondsOf(time),
      };
    },
    writePosition: async (sourceId, position) => {
      const key = keysOf(sourceId).position;
      await (position === null ? redis.del(key) : redis.set(key, JSON.stringify(position)));
    },
    write: async (sourceId, expectedVersion, { value, untilMs, request }) => {
      const { cursor, position } = keysOf(sourceId);
      const fields = {
        value: jsonOf(sourceId, value),
        until: untilMs === null ? '' : String(untilMs),
        ...(request === undefined ? {} : { request }),
      };
      return (await write([cursor, position], expectedVersion, byPoll, fields)) !== null;
    },
    set: async (sourceId, change, by, expectedVersion) => {
      const fields: Readonly<Record<string, string>> =
        'untilMs' in change
          ? { until: String(change.untilMs), value: '', request: '' }
          : { value: jsonOf(sourceId, change.value), request: '' };
      return (await write(keysOfAct(sourceId), expectedVersion ?? 'any', by, fields)) === null ? null : read(sourceId);
    },
    reset: async (sourceId, by, expectedVersion) => {
      const version = await write(keysOfAct(sourceId), expectedVersion ?? 'any', by, {
        value: '',
        until: '',
        request: '',
      });
      return version === null ? null : read(sourceId);
    },
  };
};

const jsonOf = (sourceId: string, value: unknown): string => {
  // A value that JSON leaves out (undefined) is none.
  const json = value === null ? '' : (JSON.stringify(value) ?? '');
  const bytes = Buffer.byteLength(json, 'utf8');
  if (bytes <= longestCursorBytes) return json;
  throw new StreamManagerError(
    'cursor_too_large',
    `the cursor of ${sourceId} has ${bytes} bytes as JSON, more than ${longestCursorBytes}; it was not stored`,
  );
};

/** Reads the hash; anything unreadable counts as absent. Pure. */
const readCursor = (fields: Readonly<Record<string, string>>): StoredCursor => {
  const at = Number(fields['at']);
  return {
    value: readStoredJson(fields['value']),
    untilMs: fields['until'] === undefined || fields['until'] === '' ? null : finite(Number(fields['until'])),
    at: fields['at'] === undefined || !Number.isFinite(at) ? null : new Date(at).toISOString(),
    by: fields['by'] ?? null,
    version: finite(Number(fields['version'] ?? 0)) ?? 0,
    request: fields['request'] === undefined || fields['request'] === '' ? null : fields['request'],
  };
};

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
