// The few records that a chunk's job shows to whoever looks at it in Bull Board. The job has to stay small: BullMQ reads
// all of it each time the job moves.
import type { PreparedRecord } from '@stream-manager/shared/records/payload';

const sampleRecords = 3;

/** A larger record (an alert with its polygon) is left out. */
const sampleBytes = 4096;

/** Up to three records of a chunk as they will stand in Kafka, none of them above 4 KiB. */
export const sampleOf = (records: readonly PreparedRecord[]): readonly unknown[] => {
  const sample: unknown[] = [];
  for (const { value } of records) {
    if (sample.length === sampleRecords) break;
    if (value.length <= sampleBytes) sample.push(JSON.parse(value.toString('utf8')));
  }
  return sample;
};
