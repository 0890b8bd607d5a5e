// The tap: records as they pass a border of the pipeline, for a person who watches. Whoever listens leaves a mark in Redis
// that expires; a process that works looks at the marks at most once a second, in one round trip for all its sources, and
// sends only what somebody listens to, over pub/sub. It may be lost at any time; nothing depends on it, and nothing here
// fails.
import type { Redis } from 'ioredis';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { fleetKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { millisecondsOf } from './redis-time.ts';

/**
 * The borders: `parse` all rows as they were parsed, invalid ones with their reason · `dedupe` what of them is new or
 * corrected · `route` what goes to Kafka, with its topic.
 */
export const tapStages = ['parse', 'dedupe', 'route'] as const;
export type TapStage = (typeof tapStages)[number];

/** What goes over pub/sub in one message (JSON). */
export interface TapBatch {
  readonly records: readonly unknown[];
  /** Records that passed and are not shown: more than the rate allows, or too large. */
  readonly skipped: number;
}

/** The sending end, in a process that works on records. */
export interface Tap {
  /** Finds out who listens, at most once a second. Never rejects. Called before `show`, where a round trip may be waited for. */
  look(): Promise<void>;
  /**
   * Sends records if somebody listens at that border of the source; else it costs one look into a set. `view` makes of a
   * record what is shown, and is called only for what is. At most 100 records a second per source and border go out.
   */
  show<T>(sourceId: string, stage: TapStage, records: readonly T[], view: (record: T) => unknown): void;
}

/** How long what was seen of the marks holds, in milliseconds. */
const lookIntervalMs = 1_000;
/** Records a second that a process sends of one source at one border. */
export const tapRecordsPerSecond = 100;
/** Characters of one message at most; a record that does not fit in is skipped. */
const maxCharacters = 1_048_576;

/** The mark of one listener, and what of it says to what he listens. Source ids have no colon. */
export const tapMark = (sourceId: string, stage: TapStage, listener: string): string =>
  `${stage}:${sourceId}:${listener}`;
const subjectOf = (mark: string): string => mark.slice(0, mark.lastIndexOf(':'));

/** A record as JSON text; null if it cannot be shown. */
const textOf = (view: () => unknown): string | null => {
  try {
    return JSON.stringify(view()) ?? null;
  } catch {
    // A value that JSON cannot hold, such as a bigint: admission makes a dead letter of that record.
    return null;
  }
};

/** Creates the sending end of a process. `now`: milliseconds that only grow. */
export const createTap = (
  deps: {
    readonly redis: Pick<Redis, 'pipeline' | 'publish' | 'status'>;
    readonly logger: Pick<Logger, 'debug'>;
    readonly now: () => number;
  },
  { keyPrefix }: { readonly keyPrefix: string },
): Tap => {
  const keys = fleetKeys(keyPrefix);
  let listened: ReadonlySet<string> = new Set();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  /** Since when how many records of a subject went out. */
  const sent = new Map<string, { at: number; records: number }>();

  const report = (error: unknown): void => deps.logger.debug({ error: messageOf(error) }, 'tap failed');

  const readMarks = async (): Promise<void> => {
    try {
      const [time, marks] = valuesOfPipeline(
        await deps.redis.pipeline().time().zrange(keys.tapped, 0, -1, 'WITHSCORES').exec(),
      );
      const nowMs = millisecondsOf(time);
      // ZRANGE answers members and scores in turn.
      const flat = marks as readonly string[];
      const live = flat.filter((_mark, index) => index % 2 === 0 && Number(flat[index + 1]) > nowMs);
      listened = new Set(live.map(subjectOf));
      for (const subject of sent.keys()) if (!listened.has(subject)) sent.delete(subject);
    } catch (error) {
      report(error);
      listened = new Set();
    }
    lookedAt = deps.now();
    looking = null;
  };

  /** How many of `wanted` records may go out now. */
  const take = (subject: string, wanted: number): number => {
    const now = deps.now();
    const spent = sent.get(subject);
    if (spent === undefined || now - spent.at >= 1_000) {
      const records = Math.min(wanted, tapRecordsPerSecond);
      sent.set(subject, { at: now, records });
      return records;
    }
    const records = Math.min(wanted, tapRecordsPerSecond - spent.records);
    spent.records += records;
    return records;
  };

  return {
    look: async () => {
      // A Redis that is away keeps nobody waiting here.
      if (deps.redis.status !== 'ready' || deps.now() - lookedAt < lookIntervalMs) return;
      looking ??= readMarks();
      await looking;
    },
    show: (sourceId, stage, records, view) => {
      const subject = `${stage}:${sourceId}`;
      if (!listened.has(subject) || records.length === 0 || deps.redis.status !== 'ready') return;
      const texts: string[] = [];
      let characters = 0;
      for (const record of records.slice(0, take(subject, records.length))) {
        const text = textOf(() => view(record));
        if (text === null || characters + text.length > maxCharacters) continue;
        characters += text.length;
        texts.push(text);
      }
      const message = `{"records":[${texts.join(',')}],"skipped":${records.length - texts.length}}`;
      deps.redis.publish(keys.tap(sourceId, stage), message).catch(report);
    },
  };
};

/** The tap of a process that shows nothing: for tests and for tools without a fleet. */
export const closedTap: Tap = { look: async () => {}, show: () => {} };
