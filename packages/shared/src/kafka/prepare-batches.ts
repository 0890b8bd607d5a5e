// Cuts the records that one partition gets into batches that its topic takes, and encodes them. A record that is too large
// alone fails here, with its limit read anew; what looks too large by the estimate may still fit when it is compressed.
import type { Codec } from './compression.ts';
import { type LaneBatch, newBatch } from './partition-lane.ts';
import type { OutgoingRecord } from './port.ts';
import { protocolError } from './protocol-error.ts';
import { addFailure, type FailuresByError } from './publish-failures.ts';
import { assembleRecordBatch, batchHeadBytes, recordBytesAtMost } from './record-encoder.ts';
import { batchBytes, bisect, splitByBytes } from './split-batch.ts';
import type { TopicLimits } from './topic-limits.ts';

/** What it takes to make batches. */
export interface BatchMaker {
  readonly limits: TopicLimits;
  readonly codec: Codec;
}

const messageTooLarge = 10;

const pick = (records: readonly OutgoingRecord[], indexes: readonly number[]): readonly OutgoingRecord[] =>
  indexes.flatMap((index) => records[index] ?? []);

/** Encodes a piece; halves of it where it is too large. */
const encode = async (
  maker: BatchMaker,
  records: readonly OutgoingRecord[],
  indexes: readonly number[],
  topic: string,
  maxBatchBytes: number,
  failures: FailuresByError,
): Promise<readonly LaneBatch[]> => {
  const bytes = await assembleRecordBatch(pick(records, indexes), maker.codec);
  if (bytes.length <= maxBatchBytes) return [newBatch(indexes, bytes)];
  if (indexes.length > 1) {
    const [first, second] = bisect(indexes);
    return [
      ...(await encode(maker, records, first, topic, maxBatchBytes, failures)),
      ...(await encode(maker, records, second, topic, maxBatchBytes, failures)),
    ];
  }
  const limit = await maker.limits.rereadMaxBatchBytes(topic);
  if (bytes.length <= limit) return [newBatch(indexes, bytes)];
  const detail = `a batch of ${bytes.length} bytes, max.message.bytes of topic ${topic} is ${limit}`;
  addFailure(failures, indexes, protocolError(messageTooLarge, detail));
  return [];
};

/**
 * The batches of the records at `indexes`, in order; `maxBatchBytes`: the largest that the topic takes. Records that are too
 * large alone go to `failures`.
 */
export const prepareBatches = async (
  maker: BatchMaker,
  records: readonly OutgoingRecord[],
  indexes: readonly number[],
  topic: string,
  maxBatchBytes: number,
  failures: FailuresByError,
): Promise<readonly LaneBatch[]> => {
  const bytesOf = (index: number): number => {
    const record = records[index];
    return record === undefined ? 0 : recordBytesAtMost(record);
  };
  const pieces = splitByBytes(indexes, bytesOf, batchBytes(maxBatchBytes), batchHeadBytes);
  const encoded = await Promise.all(
    pieces.map((piece) => encode(maker, records, piece, topic, maxBatchBytes, failures)),
  );
  return encoded.flat();
};

/** A batch that the broker refused for one of its records, as two. */
export const splitBatch = async (
  maker: BatchMaker,
  records: readonly OutgoingRecord[],
  batch: LaneBatch,
): Promise<readonly LaneBatch[]> =>
  Promise.all(
    bisect(batch.indexes).map(async (half) =>
      newBatch(half, await assembleRecordBatch(pick(records, half), maker.codec)),
    ),
  );
