// The table of our error codes and the one class of error we throw at edges. Decisions return values instead.
// docs/errors.md is checked against this table by a test.

/** code → whether trying again can help, and what the operator should know. */
export const errorTable = {
  config_invalid: {
    retryable: false,
    meaning: 'The config cannot be used; every fault is listed with file, line and key.',
  },
  secret_missing: { retryable: false, meaning: 'An environment variable named in the config is not set.' },
  redis_unreachable: { retryable: true, meaning: 'Redis did not answer within the time allowed.' },
  redis_refused: { retryable: false, meaning: 'Redis refused user, password or a command.' },
  redis_unsafe: { retryable: false, meaning: 'Redis would lose records: eviction policy, missing AOF or too old.' },
  source_unsupported: { retryable: false, meaning: 'No connector for this source type in this process.' },
  extension_failed: {
    retryable: true,
    meaning: "A source or mode of the user's own threw, or gave something else than its port says.",
  },
  rate_limited: { retryable: true, meaning: 'The provider answered 429, or its limit is used up.' },
  host_busy: {
    retryable: true,
    meaning:
      "Other polls of the process have the provider's share of its slots, or another poll of the fleet fetches this very answer.",
  },
  budget_exhausted: {
    retryable: true,
    meaning: 'Our own rate limit for this provider is used up for the moment, or dailyBudget for the day.',
  },
  fetch_timeout: { retryable: true, meaning: 'The provider did not answer in time.' },
  fetch_network: { retryable: true, meaning: 'The connection to the provider failed or was cut.' },
  fetch_status: { retryable: true, meaning: 'The provider answered with an error status.' },
  fetch_redirect: { retryable: false, meaning: 'The provider redirected somewhere we do not follow.' },
  response_too_large: { retryable: false, meaning: 'The answer is larger than polling.maxResponseBytes.' },
  spool_failed: {
    retryable: true,
    meaning:
      'A large answer could not be kept in its temporary file; the disk is full, or TMPDIR cannot be written to.',
  },
  response_unreadable: { retryable: true, meaning: 'The answer is not what this API is documented to give.' },
  format_changed: {
    retryable: true,
    meaning: 'So many rows of an answer are invalid that the format must have changed; nothing of it was taken.',
  },
  range_unavailable: {
    retryable: false,
    meaning: 'The provider does not have the time that was asked for.',
  },
  cursor_too_large: {
    retryable: false,
    meaning: 'The cursor that a source gave is larger than 64 KiB as JSON; it was not stored.',
  },
  credentials_refused: { retryable: false, meaning: 'The provider refused the key or password.' },
  broker_unreachable: { retryable: true, meaning: 'No connection to an MQTT broker; it is tried again and again.' },
  payload_damaged: { retryable: false, meaning: 'A stored chunk cannot be read.' },
  publish_failed: { retryable: true, meaning: 'Kafka did not take a record.' },
  dropped: {
    retryable: true,
    meaning: 'A full queue dropped a record (queue.overflow), and queue.keepDropped kept it as a dead letter.',
  },
  hung: {
    retryable: true,
    meaning: 'A job showed no progress for too long; it was given up and goes to another worker.',
  },
  stopped: { retryable: true, meaning: 'The process is stopping; the work is handed back.' },
} as const satisfies Record<string, { readonly retryable: boolean; readonly meaning: string }>;

export type ErrorCode = keyof typeof errorTable;

/** An error of ours: names the thing, the expectation and the value in its message; `cause` keeps what came from below. */
export class StreamManagerError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** For rate limits: not before this many milliseconds from now. */
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StreamManagerError';
    this.code = code;
    this.retryable = errorTable[code].retryable;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** The code of an error of ours, or null for anybody else's. */
export const codeOf = (error: unknown): ErrorCode | null => (error instanceof StreamManagerError ? error.code : null);

/** The message of whatever was thrown, with the messages of its causes. */
export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${messageOf(error.cause)}`;
  return error.message.includes(cause.slice(2)) ? error.message : `${error.message}${cause}`;
};
