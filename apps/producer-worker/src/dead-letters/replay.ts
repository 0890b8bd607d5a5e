// Replays a dead letter's record through the normal path: admitted as a chunk of its own under the letter's mark as
// seen id, so that a crash between admit and complete admits nothing twice; it is never evicted and waits for room.
import { createHash } from 'node:crypto';
import type { AdmitRequest, ChunkLimits } from '@stream-manager/shared/queues/chunk-store';
import { letterMark } from '@stream-manager/shared/queues/dead-letters/letter-mark';
import type { RecordLetterData } from '@stream-manager/shared/queues/dead-letters/record-letter';
import { formatReplay } from '@stream-manager/shared/queues/dead-letters/replay-mark';
import type { PreparedRecord } from '@stream-manager/shared/records/payload';
import { classOf, type Priority, priorities } from '@stream-manager/shared/records/priority';

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const hashOf = (data: Partial<RecordLetterData>): Buffer => {
  const kept = text(data.contentHash) ?? '';
  if (/^[0-9a-f]{16}$/.test(kept)) return Buffer.from(kept, 'hex');
  const { observedAt, location, data: content } = data.record ?? {};
  return createHash('sha256')
    .update(JSON.stringify([observedAt, location, content]))
    .digest()
    .subarray(0, 8);
};

const priorityOfRecord = (value: unknown): Priority => priorities.find((priority) => priority === value) ?? 'normal';

/** What admits the record of a letter; a reason when the letter cannot be replayed. Pure. */
export const replayRequest = (
  letter: {
    readonly jobId: string;
    /** When its job was added, in milliseconds since the epoch. */
    readonly addedAt: number;
    readonly data: Partial<RecordLetterData>;
  },
  options: { readonly sourceId: string; readonly chunkId: string; readonly limits: ChunkLimits },
): { readonly request: AdmitRequest } | { readonly refusal: string } => {
  const { jobId, addedAt, data } = letter;
  const { record } = data;
  if (typeof record !== 'object' || record === null) return { refusal: 'the letter holds no record to replay' };
  const eventTimeMs = Date.parse(text(record.observedAt) ?? '');
  const prepared: PreparedRecord = {
    id: letterMark(jobId, addedAt).id,
    hash: hashOf(data),
    // Unusable times are replaced when the record is prepared for Kafka.
    eventTimeMs: Number.isFinite(eventTimeMs) ? eventTimeMs : -1,
    key: text(data.key) ?? text(record.id) ?? jobId,
    value: Buffer.from(JSON.stringify(record), 'utf8'),
  };
  return {
    request: {
      sourceId: options.sourceId,
      chunkId: options.chunkId,
      priority: classOf(priorityOfRecord(record.priority)),
      // A replay waits for room, whatever the source does when it is full.
      limits: { ...options.limits, overflow: 'backpressure' },
      records: [prepared],
      pollId: formatReplay({
        replays: (data.replays ?? 0) + 1,
        isCorrection: data.isCorrection === true,
        pollId: data.pollId ?? '',
      }),
      keep: true,
    },
  };
};
