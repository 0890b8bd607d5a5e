// Made-up chunks and fakes of our own ports for the unit tests of this app.
import type { OutgoingRecord, PublishResult } from '@stream-manager/shared/kafka/port';
import type { ChunkTries, SettleResult, TakenChunk } from '@stream-manager/shared/queues/chunk-store';
import { hasBit } from '@stream-manager/shared/records/bitmap';
import {
  decodePayload,
  encodePayload,
  isPayloadFault,
  type PreparedRecord,
  type StoredRecord,
} from '@stream-manager/shared/records/payload';
import { pino } from 'pino';

export const silent = pino({ level: 'silent' });

/** 12:00 UTC on a day. */
export const noon = Date.parse('2026-05-01T12:00:00.000Z');

/** A record as a poller stores it. */
export const preparedRecord = (
  index: number,
  changes: Partial<PreparedRecord> & { readonly data?: unknown } = {},
): PreparedRecord => {
  const id = changes.id ?? Buffer.alloc(16, index + 1);
  const { data, ...own } = changes;
  const envelope = {
    id: id.toString('base64url'),
    sourceId: 'firms',
    type: 'fire-detection',
    observedAt: new Date(own.eventTimeMs ?? noon - 60_000).toISOString(),
    ingestedAt: new Date(noon - 10_000).toISOString(),
    priority: 'high',
    data: data ?? { index },
  };
  return {
    id,
    hash: Buffer.alloc(8, index + 101),
    eventTimeMs: noon - 60_000,
    key: `key-${index}`,
    value: Buffer.from(JSON.stringify(envelope)),
    ...own,
  };
};

/** A taken chunk of `count` records. */
export const takenChunk = (
  count: number,
  changes: Partial<TakenChunk> & { readonly records?: never; readonly prepared?: readonly PreparedRecord[] } = {},
): TakenChunk => {
  const { prepared, ...own } = changes;
  const records = prepared ?? Array.from({ length: count }, (_, index) => preparedRecord(index));
  return {
    chunkId: 'chunk-1',
    payload: encodePayload(records),
    done: null,
    corrections: null,
    pollId: 'poll-7',
    admittedAt: noon - 5_000,
    priority: 2,
    tries: { made: 0, attempts: [] },
    isRefused: false,
    ...own,
    records: records.length,
  };
};

/** The stored records of a chunk. */
export const storedRecords = (taken: TakenChunk): readonly StoredRecord[] => {
  const decoded = decodePayload(taken.payload);
  if (isPayloadFault(decoded)) throw new Error('a made-up payload must be readable');
  return decoded;
};

/** An error as a Kafka client gives it. */
export const kafkaError = (type: string): Error => Object.assign(new Error(`it says ${type}`), { type });

/** A producer that refuses records by a rule and remembers what it was asked to publish. Its topics take any time, or as set. */
export const fakeProducer = (errorOf: (record: OutgoingRecord) => Error | null = () => null) => {
  const bounds = { beforeMaxMs: Number.POSITIVE_INFINITY, afterMaxMs: Number.POSITIVE_INFINITY };
  const published: (readonly OutgoingRecord[])[] = [];
  return {
    published,
    bounds,
    timestampBounds: async (topics: Iterable<string>) => new Map([...topics].map((topic) => [topic, { ...bounds }])),
    publish: async (records: readonly OutgoingRecord[]): Promise<PublishResult> => {
      published.push(records);
      return {
        failures: records.flatMap((record, index) => {
          const error = errorOf(record);
          return error === null ? [] : [{ indexes: [index], error }];
        }),
      };
    },
  };
};

/** A store of one chunk that keeps a list of what was done, with the records that each settle marks. */
export const fakeStore = (taken: TakenChunk | null) => {
  const acts: string[] = [];
  const state = { taken, failNextSettles: 0, refusedForMs: 0 };
  return {
    acts,
    state,
    take: async (): Promise<TakenChunk | null> => state.taken,
    noteTries: async (_sourceId: string, _chunkId: string, tries: ChunkTries): Promise<void> => {
      acts.push(`tries ${tries.made}`);
      if (state.taken !== null) state.taken = { ...state.taken, tries };
    },
    refusedFor: async (): Promise<number> => state.refusedForMs,
    forgetRefusal: async (): Promise<void> => void acts.push('forget the refusal'),
    settle: async (
      _sourceId: string,
      _chunkId: string,
      done: Buffer | null,
      published: number,
    ): Promise<SettleResult> => {
      if (state.failNextSettles > 0) {
        state.failNextSettles -= 1;
        throw new Error('OOM command not allowed');
      }
      const count = state.taken?.records ?? 0;
      const marked = Array.from({ length: count }, (_, index) => index).filter((index) => hasBit(done, index));
      acts.push(done === null ? `settle all (${published})` : `settle ${marked.join(',')} (${published})`);
      if (done === null) state.taken = null;
      return done === null ? { status: 'freed', records: count } : { status: 'left', records: count - marked.length };
    },
  };
};
