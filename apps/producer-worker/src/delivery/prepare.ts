// Turns a taken chunk into what goes to Kafka: the records that are not done yet, each with its topic, timestamp and
// headers. The topic is resolved once per chunk unless a content rule may apply; values are views into the payload.
import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import type { TakenChunk } from '@stream-manager/shared/queues/chunk-store';
import { parseReplay } from '@stream-manager/shared/queues/dead-letters/replay-mark';
import { hasBit } from '@stream-manager/shared/records/bitmap';
import type { StoredRecord } from '@stream-manager/shared/records/payload';
import { parseValue } from '@stream-manager/shared/records/stored-value';
import type { TopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { isUsableEventTime, replacementTimestamp } from './timestamps.ts';

/** A chunk's records that are still to be sent. The two lists are parallel. */
export interface PreparedChunk {
  readonly records: readonly StoredRecord[];
  readonly outgoing: readonly OutgoingRecord[];
  /** Records whose event time was replaced by their ingestion time. */
  readonly timestampsReplaced: number;
}

/** Header `revision` of a correction: the first 12 hex digits of its content hash, so the same content is the same revision. */
export const revisionOf = (contentHash: Buffer): string => contentHash.toString('hex', 0, 6);

const noData: Readonly<Record<string, unknown>> = {};

const dataOf = (value: Buffer): Readonly<Record<string, unknown>> => {
  const data = parseValue(value)?.data;
  // Narrowed to an object; its fields are read by routing rules, which expect anything.
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : noData;
};

/** Record id of a replayed record: its seen id is the letter's, so the id stands in the envelope only. */
const envelopeId = (record: StoredRecord): string => {
  const id = parseValue(record.value)?.id;
  return typeof id === 'string' ? id : record.id.toString('base64url');
};

/** Prepares a taken chunk. Pure but for the clock that is passed in. */
export const prepareChunk = (
  sourceId: string,
  taken: TakenChunk,
  stored: readonly StoredRecord[],
  topics: Pick<TopicResolver, 'resolve' | 'needsContent'>,
  nowMs: number,
): PreparedChunk => {
  const replay = parseReplay(taken.pollId);
  const needsContent = topics.needsContent(sourceId);
  const topicOfAll = needsContent ? '' : topics.resolve(sourceId).topic;
  const records = taken.done === null ? stored : stored.filter((record) => !hasBit(taken.done, record.index));
  let timestampsReplaced = 0;
  const outgoing = records.map((record): OutgoingRecord => {
    const isUsable = isUsableEventTime(record.eventTimeMs, nowMs);
    if (!isUsable) timestampsReplaced += 1;
    const isCorrection = replay === null ? hasBit(taken.corrections, record.index) : replay.isCorrection;
    const plain = {
      topic: needsContent ? topics.resolve(sourceId, dataOf(record.value)).topic : topicOfAll,
      key: record.key,
      value: record.value,
      timestampMs: isUsable ? record.eventTimeMs : replacementTimestamp(record.value, nowMs),
      recordId: replay === null ? record.id.toString('base64url') : envelopeId(record),
      sourceId,
    };
    return isCorrection ? { ...plain, revision: revisionOf(record.hash) } : plain;
  });
  return { records, outgoing, timestampsReplaced };
};
