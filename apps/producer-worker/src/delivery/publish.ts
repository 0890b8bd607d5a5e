// Publishes a batch and finds out what became of each record: timestamps that a topic does not take are replaced before
// the send, and every failure is classified once. The port has told records apart already: what it reports as poison stood
// alone. Nothing here throws: an answer that never comes is an answer, too.
// A timestamp that the broker refuses all the same (its topic was altered a moment ago, its clock is another) is replaced
// and sent again; the port reads the bounds of that topic anew then, so that this happens to one batch.
import { type ClassifiedSendError, classifySendError } from '@stream-manager/shared/failures/send-outcome';
import type { KafkaProducerPort, OutgoingRecord } from '@stream-manager/shared/kafka/port';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { fitTimestamps, takenTimestamp } from './timestamps.ts';

/** Records that were not acknowledged, by their index in what was published, and what that means for them. */
export interface SendFailure extends ClassifiedSendError {
  readonly indexes: readonly number[];
}

/** What became of a batch. */
export interface PublishedBatch {
  /** Records that stand in no failure were acknowledged by all in-sync replicas. */
  readonly failures: readonly SendFailure[];
  /** How many were. */
  readonly acknowledged: number;
}

export interface PublisherDeps {
  readonly producer: Pick<KafkaProducerPort, 'publish' | 'timestampBounds'>;
  readonly metrics: Pick<Metrics, 'publishSeconds' | 'recordsPublishedTotal' | 'timestampsReplacedTotal'>;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** Publishes the batches of a process. Calls may overlap. */
export interface Publisher {
  /** Never rejects. */
  publish(records: readonly OutgoingRecord[]): Promise<PublishedBatch>;
}

/** The code by which a broker refuses a timestamp. */
const invalidTimestamp = 'INVALID_TIMESTAMP';

/** The topics of records; most often all of a batch go to one. */
const topicsOf = (records: readonly OutgoingRecord[]): ReadonlySet<string> => {
  const topics = new Set<string>();
  let last: string | null = null;
  for (const { topic } of records) {
    if (topic !== last) topics.add(topic);
    last = topic;
  }
  return topics;
};

/** Creates the publisher of a process. */
export const createPublisher = (deps: PublisherDeps): Publisher => {
  const { metrics } = deps;

  /** Sends the records at `indexes` once. */
  const sendOnce = async (
    records: readonly OutgoingRecord[],
    indexes: readonly number[] | null,
  ): Promise<readonly SendFailure[]> => {
    const sent = indexes === null ? records : indexes.flatMap((index) => records[index] ?? []);
    const startedAt = performance.now();
    const failures: SendFailure[] = [];
    try {
      const result = await deps.producer.publish(sent);
      for (const failure of result.failures)
        failures.push({
          indexes: indexes === null ? failure.indexes : failure.indexes.flatMap((at) => indexes[at] ?? []),
          ...classifySendError(failure.error),
        });
    } catch (error) {
      failures.push({ indexes: indexes ?? records.map((_record, index) => index), ...classifySendError(error) });
    }
    const seconds = (performance.now() - startedAt) / 1000;
    for (const topic of topicsOf(sent)) metrics.publishSeconds.observe({ topic }, seconds);
    return failures;
  };

  /** Sends records whose timestamp was refused once more, with another one; gives what still failed. */
  const sendWithOtherTimes = async (
    records: readonly OutgoingRecord[],
    indexes: readonly number[],
  ): Promise<readonly SendFailure[]> => {
    const bounds = await deps.producer.timestampBounds(topicsOf(indexes.flatMap((index) => records[index] ?? [])));
    const now = deps.now();
    const changed = [...records];
    for (const index of indexes) {
      const record = records[index];
      if (record === undefined) continue;
      changed[index] = { ...record, timestampMs: takenTimestamp(record.value, bounds.get(record.topic), now) };
      metrics.timestampsReplacedTotal.inc({ source: record.sourceId });
    }
    return sendOnce(changed, indexes);
  };

  return {
    publish: async (given) => {
      if (given.length === 0) return { failures: [], acknowledged: 0 };
      const bounds = await deps.producer.timestampBounds(topicsOf(given));
      const { records, replaced } = fitTimestamps(given, bounds, deps.now());
      for (const [source, count] of replaced) metrics.timestampsReplacedTotal.inc({ source }, count);
      let failures = await sendOnce(records, null);
      const refusedTimes = failures.filter((failure) => failure.code === invalidTimestamp);
      if (refusedTimes.length > 0) {
        const again = await sendWithOtherTimes(
          records,
          refusedTimes.flatMap((failure) => failure.indexes),
        );
        failures = [...failures.filter((failure) => failure.code !== invalidTimestamp), ...again];
      }
      return { failures, acknowledged: countPublished(metrics, records, failures) };
    },
  };
};

/** Counts what was acknowledged, once per run of records with one topic; gives how many in all. */
const countPublished = (
  metrics: PublisherDeps['metrics'],
  records: readonly OutgoingRecord[],
  failures: readonly SendFailure[],
): number => {
  const failed = new Set(failures.flatMap((failure) => failure.indexes));
  let total = 0;
  let from = 0;
  while (from < records.length) {
    const topic = records[from]?.topic ?? '';
    const source = records[from]?.sourceId ?? '';
    let acknowledged = 0;
    let at = from;
    for (; at < records.length && records[at]?.topic === topic && records[at]?.sourceId === source; at += 1)
      if (failed.size === 0 || !failed.has(at)) acknowledged += 1;
    if (acknowledged > 0) metrics.recordsPublishedTotal.inc({ source, topic }, acknowledged);
    total += acknowledged;
    from = at;
  }
  return total;
};
