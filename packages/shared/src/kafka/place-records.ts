// Finds the partition of each record: of its key, among the partitions that its topic has now. A topic that is unknown or
// cannot be asked for is asked for a few times, for a topic that was made a moment ago is unknown to some brokers. All of
// it, the wait for reads of others included, ends within the time of a retry.
import type { CallOff } from './call-off.ts';
import { type ClusterMetadata, type TopicAnswer, topicIn } from './cluster-metadata.ts';
import { partitionOfKey } from './partition-of-key.ts';
import type { OutgoingRecord } from './port.ts';
import { addFailure, type FailuresByError } from './publish-failures.ts';
import { passesByItself, type RetryPolicy, waitForRetry, within } from './retry.ts';

/** Records that go to one partition, by their index in what was published. */
export interface PlacedRecords {
  readonly topic: string;
  readonly partition: number;
  readonly indexes: readonly number[];
}

/** Places the records at `indexes`; those that have no place go to `failures`, all of them once it is called off. Never rejects. */
export type Placement = (
  records: readonly OutgoingRecord[],
  indexes: readonly number[],
  failures: FailuresByError,
  off: CallOff,
) => Promise<readonly PlacedRecords[]>;

/** Creates it. It tries again as `retry` says, and ends early when `closing` aborts. */
export const createPlacement = (deps: {
  readonly metadata: ClusterMetadata;
  readonly retry: RetryPolicy;
  readonly closing: AbortSignal;
}): Placement => {
  const { metadata, retry, closing } = deps;

  const ask = async (
    topics: readonly string[],
    withinMs: number,
    off: CallOff,
  ): Promise<(topic: string) => TopicAnswer> => {
    try {
      const answers = await off.orOff(within(withinMs, 'metadata of topics', metadata.topics(topics)));
      return (topic) => topicIn(answers, topic);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error('the metadata cannot be read', { cause: error });
      return () => failure;
    }
  };

  return async (records, indexes, failures, off) => {
    const placed: PlacedRecords[] = [];
    const startedAt = performance.now();
    let left = Map.groupBy(indexes, (index) => records[index]?.topic ?? '');
    for (let attempt = 1; left.size > 0; attempt++) {
      const leftMs = Math.max(0, retry.withinMs - (performance.now() - startedAt));
      const answerFor = await ask([...left.keys()], leftMs, off);
      const isOver =
        attempt > retry.retries ||
        performance.now() - startedAt >= retry.withinMs ||
        closing.aborted ||
        off.error() !== null;
      const again = new Map<string, number[]>();
      for (const [topic, ofTopic] of left) {
        const answer = answerFor(topic);
        if (answer instanceof Error) {
          if (isOver || !passesByItself(answer)) addFailure(failures, ofTopic, answer);
          else again.set(topic, ofTopic);
          continue;
        }
        const count = answer.partitions.length;
        const byPartition = Map.groupBy(ofTopic, (index) =>
          partitionOfKey(records[index]?.key ?? Buffer.alloc(0), count),
        );
        for (const [partition, ofPartition] of byPartition) placed.push({ topic, partition, indexes: ofPartition });
      }
      if (again.size > 0) await waitForRetry(retry, attempt, closing);
      left = again;
    }
    return placed;
  };
};
