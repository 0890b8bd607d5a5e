// The account of one drill: every record that was served stands in Kafka or in a dead-letter queue. Reads both.
import { deadLetterQueueAddress, openQueue } from '@stream-manager/shared/queues/bullmq';
import { type Comparison, compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import { expectedPriority } from '@stream-manager/testkit/accounting/expected-priority';
import type { RecordKind } from '@stream-manager/testkit/accounting/expected-record';
import { naturalKeyOf } from '@stream-manager/testkit/accounting/natural-key';
import { ofKind } from '@stream-manager/testkit/accounting/of-kind';
import { envelopeOf, type StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import type { Ledger } from '@stream-manager/testkit/providers/ledger';
import type { Redis } from 'ioredis';
import { basePriorities, type Priorities, type Topics } from './load.ts';

/** A dead letter, as far as a drill looks at it. */
export interface Letter {
  readonly sourceId: string;
  readonly code: string;
  readonly reason: string;
  /** Null for a row that is no record. */
  readonly naturalKey: string | null;
}

export interface Account {
  /** Each record once; with `everySource`, once for each source that must publish it. */
  readonly served: number;
  /** Different records in Kafka. */
  readonly published: number;
  readonly letters: readonly Letter[];
  /** Neither in Kafka nor in a letter. */
  readonly missing: number;
  /** In Kafka more than once, or in Kafka and in a letter. */
  readonly doubled: number;
  /** Never served, in the wrong topic, or with wrong content. */
  readonly wrong: number;
  readonly comparison: Comparison;
}

export interface AccountInput {
  readonly ledger: Pick<Ledger, 'served' | 'offered'>;
  readonly stored: readonly StoredRecord[];
  readonly letters: readonly Letter[];
  readonly topics: Topics;
  /** Default `basePriorities`. */
  readonly priorities?: Priorities;
  /** Sources of which each must have published every record of a kind. Default: one of them is enough. */
  readonly everySource?: ((kind: RecordKind) => readonly string[]) | undefined;
}

/** Pure. */
export const accountOf = (input: AccountInput): Account => {
  const { ledger, stored, letters, topics, priorities = basePriorities, everySource } = input;
  const served = ledger.served();
  const lettered = new Set(letters.flatMap(({ naturalKey }) => (naturalKey === null ? [] : [naturalKey])));
  const comparison = compareServedWithStored({
    // A record that is a letter need not be in Kafka.
    served: served.filter(({ naturalKey }) => !lettered.has(naturalKey)),
    offered: [...ledger.offered(), ...served.filter(({ naturalKey }) => lettered.has(naturalKey))],
    stored,
    topicOf: (kind) => topicOf(kind, topics),
    priorityOf: (record) => expectedPriority(record, ofKind(priorities, record.kind)),
    ...(everySource === undefined ? {} : { expectedSourceIds: everySource }),
  });
  const { missing, doubled, foreign, misplaced, different } = comparison.total;
  const both =
    lettered.size === 0 ? 0 : new Set(stored.map(keyOf).filter((key) => key !== null && lettered.has(key))).size;
  return {
    served: everySource === undefined ? served.length : comparison.total.served,
    published: stored.length - doubled,
    letters,
    missing,
    doubled:
      doubled + both + (letters.length - lettered.size - letters.filter((letter) => letter.naturalKey === null).length),
    wrong: foreign + misplaced + different,
    comparison,
  };
};

const topicOf = (kind: RecordKind, topics: Topics): string => {
  if (kind === 'station') throw new Error('no drill polls stations');
  return ofKind(topics, kind);
};

const keyOf = (record: StoredRecord): string | null => {
  const envelope = envelopeOf(record.value);
  return envelope === null ? null : naturalKeyOf(envelope);
};

/** All dead letters of the sources. */
export const readLetters = async (redis: Redis, keyPrefix: string, sourceIds: readonly string[]): Promise<Letter[]> => {
  const letters: Letter[] = [];
  for (const sourceId of sourceIds) {
    const queue = openQueue(deadLetterQueueAddress(keyPrefix, sourceId), redis, () => {});
    for (const job of await queue.getJobs()) {
      const { code, reason, record } = job.data;
      const envelope = envelopeOf(record);
      letters.push({
        sourceId,
        code: String(code),
        reason: String(reason),
        naturalKey: envelope === null ? null : naturalKeyOf(envelope),
      });
    }
    await queue.close();
  }
  return letters;
};
