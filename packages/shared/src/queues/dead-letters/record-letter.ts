// Makes dead letters of records that Kafka refused or that overflow dropped. A letter carries all that a replay needs: the envelope, the Kafka
// key, the content hash and whether it was a correction, so that the replayed record is the one that was refused.
import type { DeadLetterJobData, SendAttempt } from '../../jobs/payloads.ts';
import { hasBit } from '../../records/bitmap.ts';
import { payloadVersion, type StoredRecord } from '../../records/payload.ts';
import { parseValue } from '../../records/stored-value.ts';
import type { TakenChunk } from '../chunk-store.ts';
import { type DeadLetter, deadLetterJobId } from '../dead-letters.ts';
import { parseReplay } from './replay-mark.ts';

/** A letter that holds a record. */
export interface RecordLetterData extends DeadLetterJobData {
  readonly record: Readonly<Record<string, unknown>>;
  readonly key: string;
  /** 16 hex digits. */
  readonly contentHash: string;
  readonly isCorrection: boolean;
}

/** Attempts that failed: there is always one, the last. */
export type FailedAttempts = readonly [SendAttempt, ...SendAttempt[]];

/** The attempts before, the oldest first, and the last one. */
export const withLast = (former: readonly SendAttempt[], last: SendAttempt): FailedAttempts => {
  const [first, ...others] = former;
  return first === undefined ? [last] : [first, ...others, last];
};

/** Why a record is refused. */
export interface LetterCause {
  readonly code: string;
  readonly reason: string;
  readonly topic: string | null;
  /** Every send that failed, the oldest first. */
  readonly attempts: FailedAttempts;
}

/** Why a record is dropped: for no send of its own. */
export interface DropCause extends Omit<LetterCause, 'attempts'> {
  /** Sends that failed before, if any. */
  readonly attempts: readonly SendAttempt[];
  /** ISO 8601. */
  readonly droppedAt: string;
}

const timesOf = (cause: LetterCause | DropCause) => {
  const { attempts } = cause;
  const times = [...attempts.map(({ at }) => at), ...('droppedAt' in cause ? [cause.droppedAt] : [])];
  return { attempts, firstFailedAt: times[0] ?? '', lastFailedAt: times.at(-1) ?? '' };
};

/** The letter of one record of a taken chunk. */
export const letterOf = (
  sourceId: string,
  taken: Pick<TakenChunk, 'pollId' | 'corrections'>,
  record: StoredRecord,
  cause: LetterCause | DropCause,
): DeadLetter => {
  const replay = parseReplay(taken.pollId);
  const replays = replay?.replays ?? 0;
  const envelope = parseValue(record.value);
  const id = typeof envelope?.id === 'string' && replay !== null ? envelope.id : record.id.toString('base64url');
  const common = {
    sourceId,
    code: cause.code,
    reason: cause.reason,
    topic: cause.topic,
    ...timesOf(cause),
    pollId: replay?.pollId ?? taken.pollId,
    payloadVersion,
    replays,
  };
  const data: DeadLetterJobData | RecordLetterData =
    envelope === null
      ? { ...common, raw: record.value.toString('utf8') }
      : {
          ...common,
          record: envelope,
          key: record.key.toString('utf8'),
          contentHash: record.hash.toString('hex'),
          isCorrection: replay?.isCorrection ?? hasBit(taken.corrections, record.index),
        };
  return { jobId: deadLetterJobId(id, record.hash, replays), data };
};

/** Longest part of a damaged payload that its letter keeps, in characters of base64 (48 KiB of payload). */
const maxDamagedCharacters = 65_536;

/** The one letter of a chunk whose payload cannot be read; `digest` = hash of its bytes, at least 24 of them. */
export const damagedLetterOf = (
  sourceId: string,
  taken: Pick<TakenChunk, 'pollId' | 'payload' | 'records'>,
  digest: Buffer,
  cause: LetterCause | DropCause,
): DeadLetter => ({
  jobId: deadLetterJobId(digest.toString('base64url', 0, 16), digest.subarray(16, 24), 0),
  data: {
    sourceId,
    code: cause.code,
    reason: `${cause.reason} (${taken.records} records, ${taken.payload.length} bytes)`,
    topic: null,
    raw: taken.payload.toString('base64').slice(0, maxDamagedCharacters),
    ...timesOf(cause),
    pollId: taken.pollId,
    payloadVersion,
    replays: 0,
  },
});
