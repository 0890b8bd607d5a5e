// The producing half of the port without idempotence: at least once, acks from all in-sync replicas. A batch whose answer
// does not come is reported, and lies there twice if it was written and its caller sends it again. kafkajs' only mode (its
// idempotent producer acknowledges records that are not in the log: docs/decisions/0007).
import { type CallOff, createCallOff } from './call-off.ts';
import type { KafkaProducerPort, OutgoingRecord } from './port.ts';
import { addFailure, type FailuresByError, listFailures } from './publish-failures.ts';
import { maySendAgain, type RetryPolicy, waitForRetry } from './retry.ts';
import { type SendDeps, sendToLeaders } from './send-to-leaders.ts';
import { sendableRecords } from './sendable-records.ts';

/** Creates the producer. Connects with the first publish. */
export const createPlainProducer = (deps: SendDeps, retry: RetryPolicy): KafkaProducerPort => {
  const { wire, metadata } = deps;

  const publishAll = async (
    records: readonly OutgoingRecord[],
    indexes: readonly number[],
    failures: FailuresByError,
    off: CallOff,
  ): Promise<void> => {
    const startedAt = performance.now();
    let left = indexes;
    for (let attempt = 1; left.length > 0; attempt++) {
      const metadataMs = Math.max(0, retry.withinMs - (performance.now() - startedAt));
      const unsent = await sendToLeaders(deps, records, left, { off, metadataMs });
      const isOver =
        attempt > retry.retries ||
        performance.now() - startedAt >= retry.withinMs ||
        wire.closing.aborted ||
        off.error() !== null;
      const passing: FailuresByError = new Map();
      for (const [error, failed] of unsent) {
        const isFinal = isOver || !maySendAgain(error);
        addFailure(isFinal ? failures : passing, failed, error);
      }
      const again = [...passing.values()].flat();
      if (again.length > 0) {
        for (const index of again) metadata.forget(records[index]?.topic ?? '');
        await waitForRetry(retry, attempt, wire.closing);
      }
      if (off.error() !== null) {
        // They were tried: what became of that is said, not that they were called off.
        for (const [error, failed] of passing) addFailure(failures, failed, error);
        return;
      }
      left = again.sort((a, b) => a - b);
    }
  };

  return {
    publish: async (records, { signal } = {}) => {
      const off = createCallOff(signal);
      const failures: FailuresByError = new Map();
      const sendable = sendableRecords(records, off, wire.closing, failures);
      await publishAll(records, sendable, failures, off);
      return { failures: listFailures(failures) };
    },
    timestampBounds: (topics) => deps.limits.timestampBounds(topics),
    isReachable: () => wire.isReachable(),
    close: () => wire.close(),
  };
};
