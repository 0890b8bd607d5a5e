// The producing half of the port over kafkajs' connections: at least once, acks from all in-sync replicas, no idempotence
// (kafkajs' idempotent producer acknowledges records that are not in the log: docs/decisions/0007).
import { StreamManagerError } from '../failures/errors.ts';
import { protocolError } from './kafkajs-internals.ts';
import type { KafkaProducerPort, OutgoingRecord } from './port.ts';
import { addFailure, type FailuresByError, listFailures } from './publish-failures.ts';
import { maySendAgain, type RetryPolicy, waitForRetry } from './retry.ts';
import { type SendDeps, sendToLeaders } from './send-to-leaders.ts';

const invalidTimestamp = 32;

/** Why a record cannot be written at all, or null. Found here, so that it fails alone. */
const faultOf = (record: OutgoingRecord): Error | null => {
  if (!Buffer.isBuffer(record.key) || !Buffer.isBuffer(record.value)) {
    const error = new TypeError(`key and value of record ${record.recordId} must be buffers`);
    return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
  }
  if (!Number.isFinite(record.timestampMs) || record.timestampMs < 0) {
    return protocolError(invalidTimestamp, `record ${record.recordId} has timestamp ${record.timestampMs}`);
  }
  return null;
};

/** Creates the producer. Connects with the first publish. */
export const createKafkajsProducer = (deps: SendDeps, retry: RetryPolicy): KafkaProducerPort => {
  const { links, metadata } = deps;

  const publishAll = async (
    records: readonly OutgoingRecord[],
    indexes: readonly number[],
    failures: FailuresByError,
  ): Promise<void> => {
    const startedAt = performance.now();
    let left = indexes;
    for (let attempt = 1; left.length > 0; attempt++) {
      const unsent = await sendToLeaders(deps, records, left);
      const isOver =
        attempt > retry.retries || performance.now() - startedAt >= retry.withinMs || links.closing.aborted;
      const again: number[] = [];
      for (const [error, failed] of unsent) {
        if (isOver || !maySendAgain(error)) addFailure(failures, failed, error);
        else again.push(...failed);
      }
      if (again.length > 0) {
        for (const index of again) metadata.forget(records[index]?.topic ?? '');
        await waitForRetry(retry, attempt, links.closing);
      }
      left = again.sort((a, b) => a - b);
    }
  };

  return {
    publish: async (records) => {
      const failures: FailuresByError = new Map();
      const sendable: number[] = [];
      for (const [index, record] of records.entries()) {
        const fault = links.closing.aborted
          ? new StreamManagerError('stopped', 'the Kafka producer is closed')
          : faultOf(record);
        if (fault === null) sendable.push(index);
        else addFailure(failures, [index], fault);
      }
      await publishAll(records, sendable, failures);
      return { failures: listFailures(failures) };
    },
    isReachable: () => links.isReachable(),
    close: () => links.close(),
  };
};
