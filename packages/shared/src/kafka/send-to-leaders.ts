// One attempt to publish records: each goes to the partition of its key, each partition's records in batches that its topic
// takes, each leader gets one request at a time with one batch per partition. Partitions are independent: what one
// answers concerns its own records only, and what a broker has acknowledged is not sent again.
// A batch that the broker refuses for a record in it is cut in halves until that record stands alone; the batches of one
// partition go one after the other, so that the order of a key holds.
import type { BrokerAddress } from './broker-links.ts';
import type { CallOff } from './call-off.ts';
import { type ClusterMetadata, topicIn } from './cluster-metadata.ts';
import type { Codec } from './compression.ts';
import { partitionOfKey } from './partition-of-key.ts';
import type { OutgoingRecord } from './port.ts';
import { answerFor } from './produce-request.ts';
import { protocolError } from './protocol-error.ts';
import { addFailure, type FailuresByError } from './publish-failures.ts';
import { batchHeadBytes, encodeRecordBatch, recordBytesAtMost } from './record-encoder.ts';
import { within } from './retry.ts';
import { batchBytes, bisect, maxRequestBytes, splitByBytes } from './split-batch.ts';
import type { TopicLimits } from './topic-limits.ts';
import type { KafkaWire, ProduceAnswer } from './wire.ts';

/** What an attempt needs. */
export interface SendDeps {
  readonly wire: KafkaWire;
  readonly metadata: ClusterMetadata;
  readonly limits: TopicLimits;
  readonly codec: Codec;
  /** How long a broker waits for its replicas, in milliseconds. */
  readonly produceTimeoutMs: number;
}

/** Bounds of one attempt. */
export interface AttemptOptions {
  /** Nothing enters a request any more once it is called off. */
  readonly off: CallOff;
  /** How long the partitions' leaders may take to be known, in milliseconds. */
  readonly metadataMs: number;
}

/** What is still to be sent to one partition: batches in order, each a list of indexes into the records. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly leader: BrokerAddress;
  readonly maxBatchBytes: number;
  batches: readonly (readonly number[])[];
}

/** The first batch of a lane, encoded. */
interface Head {
  readonly lane: Lane;
  readonly indexes: readonly number[];
  readonly batch: Buffer;
}

const unknownServerError = -1;
const leaderNotAvailable = 5;
const messageTooLarge = 10;
const invalidTimestamp = 32;

/** MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, INVALID_RECORD: a part of the batch may pass. */
const refusedForARecord: ReadonlySet<number> = new Set([messageTooLarge, 18, 32, 87]);

const where = (lane: Lane): string => `partition ${lane.partition} of topic ${lane.topic}`;

/** Groups records by partition. Records of a topic or partition that cannot be sent to go to the failures. */
const sortIntoLanes = async (
  deps: SendDeps,
  records: readonly OutgoingRecord[],
  indexes: readonly number[],
  { off, metadataMs }: AttemptOptions,
  failures: FailuresByError,
): Promise<readonly Lane[]> => {
  const byTopic = Map.groupBy(indexes, (index) => records[index]?.topic ?? '');
  const asked = deps.metadata.topics(byTopic.keys());
  const answers = await off.orOff(within(metadataMs, 'metadata of topics', asked));
  const maxBatchBytes = await off.orOff(deps.limits.maxBatchBytes(byTopic.keys()));
  const lanes: Lane[] = [];
  for (const [topic, ofTopic] of byTopic) {
    const answer = topicIn(answers, topic);
    if (answer instanceof Error) {
      addFailure(failures, ofTopic, answer);
      continue;
    }
    const { partitions } = answer;
    const byPartition = Map.groupBy(ofTopic, (index) =>
      partitionOfKey(recordAt(records, index).key, partitions.length),
    );
    for (const [partition, ofPartition] of byPartition) {
      const view = partitions[partition];
      if (!view?.leader) {
        const detail = `partition ${partition} of topic ${topic} has no leader`;
        addFailure(failures, ofPartition, protocolError(view?.errorCode || leaderNotAvailable, detail));
        continue;
      }
      const limit = maxBatchBytes.get(topic) ?? 0;
      const bytesOf = (index: number): number => recordBytesAtMost(recordAt(records, index));
      const batches = splitByBytes(ofPartition, bytesOf, batchBytes(limit), batchHeadBytes);
      lanes.push({ topic, partition, leader: view.leader, maxBatchBytes: limit, batches });
    }
  }
  return lanes;
};

const recordAt = (records: readonly OutgoingRecord[], index: number): OutgoingRecord => {
  const record = records[index];
  if (record === undefined) throw new RangeError(`there is no record ${index} among ${records.length}`);
  return record;
};

/** Gives up a lane: everything that is left of it fails with `error`. */
const giveUp = (lane: Lane, error: unknown, failures: FailuresByError): void => {
  addFailure(failures, lane.batches.flat(), error);
  lane.batches = [];
};

/** Takes the first batch of a lane away and puts others in its place. */
const replaceHead = (lane: Lane, batches: readonly (readonly number[])[]): void => {
  lane.batches = [...batches, ...lane.batches.slice(1)];
};

/** The batch was refused for a record in it: halves if it holds several, a failure if it holds one. */
const refuseHead = (lane: Lane, indexes: readonly number[], error: unknown, failures: FailuresByError): void => {
  if (indexes.length > 1) return replaceHead(lane, bisect(indexes));
  addFailure(failures, indexes, error);
  replaceHead(lane, []);
};

/** Encodes the first batches of the lanes, as many as one request holds. What is larger than its topic takes is refused here. */
const encodeHeads = async (
  deps: SendDeps,
  records: readonly OutgoingRecord[],
  lanes: readonly Lane[],
  failures: FailuresByError,
): Promise<readonly Head[]> => {
  const taken: { lane: Lane; indexes: readonly number[] }[] = [];
  let bytes = 0;
  for (const lane of lanes) {
    const indexes = lane.batches[0] ?? [];
    bytes += indexes.reduce((sum, index) => sum + recordBytesAtMost(recordAt(records, index)), 0);
    if (taken.length > 0 && bytes > maxRequestBytes) break;
    taken.push({ lane, indexes });
  }
  const encoded = await Promise.all(
    taken.map(async ({ lane, indexes }): Promise<Head> => {
      const batch = await encodeRecordBatch(
        indexes.map((index) => recordAt(records, index)),
        deps.codec,
      );
      return { lane, indexes, batch };
    }),
  );
  const heads: Head[] = [];
  for (const head of encoded) {
    const { lane, indexes, batch } = head;
    const limit =
      batch.length <= lane.maxBatchBytes || indexes.length > 1
        ? lane.maxBatchBytes
        : await deps.limits.rereadMaxBatchBytes(lane.topic);
    if (batch.length <= limit) heads.push(head);
    else {
      const detail = `a batch of ${batch.length} bytes, max.message.bytes of topic ${lane.topic} is ${limit}`;
      refuseHead(lane, indexes, protocolError(messageTooLarge, detail), failures);
    }
  }
  return heads;
};

const settleHead = (deps: SendDeps, head: Head, answer: ProduceAnswer, failures: FailuresByError): void => {
  const { lane, indexes } = head;
  const code = answerFor(answer, lane.topic, lane.partition);
  if (code === 0) return replaceHead(lane, []);
  // kafkajs reports a partition that the answer leaves out as success.
  if (code === null) return giveUp(lane, protocolError(unknownServerError, `no answer for ${where(lane)}`), failures);
  const error = protocolError(code, where(lane));
  if (code === invalidTimestamp) deps.limits.forget(lane.topic);
  if (refusedForARecord.has(code)) refuseHead(lane, indexes, error, failures);
  else giveUp(lane, error, failures);
};

/** Sends everything of some lanes to their leader, one request after the other. */
const sendToLeader = async (
  deps: SendDeps,
  records: readonly OutgoingRecord[],
  leader: BrokerAddress,
  lanes: readonly Lane[],
  off: CallOff,
  failures: FailuresByError,
): Promise<void> => {
  for (let open = lanes; open.length > 0; open = open.filter((lane) => lane.batches.length > 0)) {
    try {
      const heads = await encodeHeads(deps, records, open, failures);
      if (heads.length === 0) continue;
      const calledOff = off.error();
      if (calledOff !== null) throw calledOff;
      const batches = heads.map(({ lane, batch }) => ({ topic: lane.topic, partition: lane.partition, batch }));
      const answer = await deps.wire.produce(leader, batches, deps.produceTimeoutMs);
      for (const head of heads) settleHead(deps, head, answer, failures);
    } catch (error) {
      for (const lane of open) giveUp(lane, error, failures);
    }
  }
};

/** Tries to send records once and returns what was not acknowledged. Never rejects. */
export const sendToLeaders = async (
  deps: SendDeps,
  records: readonly OutgoingRecord[],
  indexes: readonly number[],
  attempt: AttemptOptions,
): Promise<FailuresByError> => {
  const failures: FailuresByError = new Map();
  try {
    const lanes = await sortIntoLanes(deps, records, indexes, attempt, failures);
    const byLeader = Map.groupBy(lanes, ({ leader }) => `${leader.host}:${leader.port}`);
    await Promise.all(
      [...byLeader.values()].map(async (ofLeader) => {
        const leader = ofLeader[0]?.leader;
        if (leader !== undefined) await sendToLeader(deps, records, leader, ofLeader, attempt.off, failures);
      }),
    );
  } catch (error) {
    // Before the first request: nothing of it was sent.
    addFailure(failures, indexes, error);
  }
  return failures;
};
