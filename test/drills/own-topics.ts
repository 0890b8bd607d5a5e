// Stored records as the account of a drill expects them: in the topic of their kind, stamped with the time of their event.
import { envelopeOf, type StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import type { Load, LoadTopics } from './load.ts';

/**
 * Gives a record that lies in its source's own topic as one that lies in the topic of its kind, and one that lies there
 * although its source has a topic of its own as misplaced. `isAppendTime`: the broker stamped it with its own time, of
 * which the account knows nothing. Pure.
 */
export const asAtHome =
  (load: Pick<Load, 'ownTopic'>, topics: LoadTopics, isAppendTime: boolean) =>
  (record: StoredRecord): StoredRecord => {
    const timestamp = isAppendTime ? eventTimeOf(record) : record.timestamp;
    const own = load.ownTopic(record.headers['source-id'] ?? '', topics);
    if (own === null) return { ...record, timestamp };
    return { ...record, timestamp, topic: record.topic === own ? topics.firms : `misplaced in ${record.topic}` };
  };

const eventTimeOf = ({ value, timestamp }: StoredRecord): number => {
  const observedAt = envelopeOf(value)?.observedAt;
  return typeof observedAt === 'string' ? Date.parse(observedAt) : timestamp;
};
