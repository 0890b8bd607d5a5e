// The records of a publish that can be sent at all: what is called off, comes after the close, or cannot be written fails by
// itself, before anything of the publish goes out. The same for both producers.
import { StreamManagerError } from '../failures/errors.ts';
import type { CallOff } from './call-off.ts';
import type { OutgoingRecord } from './port.ts';
import { addFailure, type FailuresByError } from './publish-failures.ts';
import { faultOf } from './record-encoder.ts';

/** The error of a publish after the producer's close. */
export const producerClosed = (): Error => new StreamManagerError('stopped', 'the Kafka producer is closed');

/** Indexes of the records that can be sent, ascending; the others go to `failures`. */
export const sendableRecords = (
  records: readonly OutgoingRecord[],
  off: CallOff,
  closing: AbortSignal,
  failures: FailuresByError,
): readonly number[] => {
  const sendable: number[] = [];
  for (const [index, record] of records.entries()) {
    const fault = off.error() ?? (closing.aborted ? producerClosed() : faultOf(record));
    if (fault === null) sendable.push(index);
    else addFailure(failures, [index], fault);
  }
  return sendable;
};
