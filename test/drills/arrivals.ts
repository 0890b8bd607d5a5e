// How long records took from the answer in which they were served until the broker wrote them, read from the provider's
// book and from Kafka's own stamps (`stampsAppendTime` of the servers). Both clocks are this machine's. Pure.
import { naturalKeyOf } from '@stream-manager/testkit/accounting/natural-key';
import { envelopeOf, type StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import type { Ledger } from '@stream-manager/testkit/providers/ledger';

/** One record's way. Times in epoch milliseconds. */
export interface Arrival {
  readonly sourceId: string;
  readonly priority: string;
  /** The last byte of the first answer that had it was sent. */
  readonly servedAt: number;
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
    const priority = String(envelope.fields['priority']);
    first.set(envelope.id, { sourceId: envelope.sourceId, priority, servedAt: served, writtenAt: timestamp });
  }
  return [...first.values()];
};

/** Milliseconds that arrivals took. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** The spread of the times; zeros without any. */
export const spreadOf = (arrivals: readonly Arrival[]): Spread => {
  const times = arrivals.map(({ servedAt, writtenAt }) => writtenAt - servedAt).sort((one, other) => one - other);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { count: times.length, p50: at(0.5), p99: at(0.99), most: times.at(-1) ?? 0 };
};

/** `p50 12, p99 80, at most 95 ms over 240`. */
export const printSpread = ({ count, p50, p99, most }: Spread): string =>
  `p50 ${p50}, p99 ${p99}, at most ${most} ms over ${count}`;
