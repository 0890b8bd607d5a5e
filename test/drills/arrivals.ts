// How long records took from the answer in which they were served until the broker wrote them, read from the provider's
// book and from Kafka's own stamps (`stampsAppendTime` of the servers). Both clocks are this machine's. Pure.
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { naturalKeyOf } from '@stream-manager/testkit/accounting/natural-key';
import { envelopeOf, type StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import type { Ledger } from '@stream-manager/testkit/providers/ledger';

/** One record's way. Times in epoch milliseconds. */
export interface Arrival {
  readonly sourceId: string;
  readonly priority: string;
  /** The last byte of the first answer that had it was sent. */
  readonly servedAt: number;
  /** The poller had parsed it, whichever answer it stood in. */
  readonly ingestedAt: number;
  /** The broker wrote it, for the first time. */
  readonly writtenAt: number;
}

/** The records that were served in a whole answer and are stored. */
export const arrivalsOf = (ledger: Pick<Ledger, 'served'>, stored: readonly StoredRecord[]): Arrival[] => {
  const servedAt = new Map(ledger.served().map(({ naturalKey, firstServedAt }) => [naturalKey, firstServedAt]));
  const first = new Map<string, Arrival>();
  for (const { value, timestamp } of stored) {
    const envelope = envelopeOf(value);
    const key = envelope === null ? null : naturalKeyOf(envelope);
    const served = key === null ? undefined : servedAt.get(key);
    if (envelope === null || served === undefined) continue;
    const known = first.get(envelope.id);
    if (known !== undefined && known.writtenAt <= timestamp) continue;
    first.set(envelope.id, {
      sourceId: envelope.sourceId,
      priority: String(envelope.fields['priority']),
      servedAt: served,
      ingestedAt: Date.parse(String(envelope.fields['ingestedAt'])),
      writtenAt: timestamp,
    });
  }
  return [...first.values()];
};

/** Records that were served in a whole answer and are not stored. */
export const absentOf = (
  ledger: Pick<Ledger, 'served'>,
  stored: readonly StoredRecord[],
): readonly ExpectedRecord[] => {
  const keys = new Set(
    stored.map(({ value }) => {
      const envelope = envelopeOf(value);
      return envelope === null ? null : naturalKeyOf(envelope);
    }),
  );
  return ledger.served().filter(({ naturalKey }) => !keys.has(naturalKey));
};

/** From the answer to Kafka, in milliseconds. */
export const fromAnswer = ({ servedAt, writtenAt }: Arrival): number => writtenAt - servedAt;

/** How times lie, in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** The spread of times in milliseconds; zeros without any. */
export const spreadOf = (milliseconds: readonly number[]): Spread => {
  const times = milliseconds.toSorted((one, other) => one - other);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { count: times.length, p50: at(0.5), p99: at(0.99), most: times.at(-1) ?? 0 };
};

/** `p50 12, p99 80, at most 95 ms over 240`. */
export const printSpread = ({ count, p50, p99, most }: Spread): string =>
  `p50 ${p50}, p99 ${p99}, at most ${most} ms over ${count}`;
