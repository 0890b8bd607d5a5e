// Which failures of an exchange with Kafka pass by themselves within a moment, and how long that moment may last. This is
// the only retry below the breaker: it hides a moved leader or a restarted connection, not an outage.
import { setTimeout as pause } from 'node:timers/promises';
import { classifySendError } from '../failures/send-outcome.ts';

/** How often and how long an exchange is tried again. */
export interface RetryPolicy {
  /** Tries after the first. */
  readonly retries: number;
  /** Wait before the first of them; doubles each time, with ± 20 %. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** No try begins later than this after the first began: an answer that never came has used it up. */
  readonly withinMs: number;
}

/** Protocol errors that a moment, fresh metadata or another coordinator heals, beside what counts as an outage. */
const passing: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'CORRUPT_MESSAGE',
  'NOT_CONTROLLER',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'UNSTABLE_OFFSET_COMMIT',
]);

/** Outages that no moment heals: another try would only be refused again, or lock an account. */
const lasting: ReadonlySet<string> = new Set([
  'KafkaJSSASLAuthenticationError',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
]);

/** Whether the same exchange may go well in a moment. */
export const passesByItself = (error: unknown): boolean => {
  const { outcome, code } = classifySendError(error);
  return passing.has(code) || (outcome === 'outage' && !lasting.has(code));
};

/** What a leader answers after it has appended a batch that its replicas did not confirm in time. */
const appended: ReadonlySet<string> = new Set(['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT']);

/**
 * Whether a batch may be sent again at once. What may lie in the log already is not: each try would append one more copy.
 * It is reported, and its chunk is sent again once the cluster has had a moment.
 */
export const maySendAgain = (error: unknown): boolean =>
  passesByItself(error) && !appended.has(classifySendError(error).code);

/** Wait before try number `attempt` (1 = the first after the first). `random` in [0, 1). */
export const retryDelayMs = (policy: RetryPolicy, attempt: number, random: number): number =>
  Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.maxDelayMs) * (0.8 + 0.4 * random);

/** Settles as `work` does, or rejects as an outage (`ETIMEDOUT`) after `ms`. What `what` names was not done by then. */
export const within = async <Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`${what}: no answer within ${Math.round(ms)} ms`), { code: 'ETIMEDOUT' }));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Waits; resolves early when `closing` aborts (the caller's next exchange fails then). */
export const waitForRetry = async (policy: RetryPolicy, attempt: number, closing: AbortSignal): Promise<void> => {
  await pause(retryDelayMs(policy, attempt, Math.random()), undefined, { signal: closing }).catch(() => {
    // Closing is no failure of the wait: whoever waited finds the links closed.
  });
};

/** Tries `exchange` until it goes well, fails for good, or the policy ends; rejects with the last error. */
export const withRetries = async <Result>(
  policy: RetryPolicy,
  closing: AbortSignal,
  exchange: () => Promise<Result>,
): Promise<Result> => {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await exchange();
    } catch (error) {
      const isOver = attempt > policy.retries || performance.now() - startedAt >= policy.withinMs || closing.aborted;
      if (isOver || !passesByItself(error)) throw error;
      await waitForRetry(policy, attempt, closing);
    }
  }
};
