// What the failure of a send means for its records (design.md, "Outcomes of a send"): one table over the innermost cause,
// by name, type and code, never by what the client says about trying again (kafkajs calls an outage non-retriable).
// The table knows Kafka's own error names, so that it serves every client that keeps them.

/**
 * `poison`: this record can never be sent (a port reports it for a record that stood alone). `outage`: the cluster cannot
 * take anything now. `destination`: this topic cannot take anything now. `other`: anything else.
 */
export type SendOutcome = 'poison' | 'outage' | 'destination' | 'other';

/** A failure, classified. */
export interface ClassifiedSendError {
  readonly outcome: SendOutcome;
  /** Kafka's name of the error, a code of the operating system, or the error's name. */
  readonly code: string;
  readonly message: string;
}

const outcomes: Readonly<Record<SendOutcome, readonly string[]>> = {
  poison: [
    'MESSAGE_TOO_LARGE',
    'RECORD_LIST_TOO_LARGE',
    'INVALID_RECORD',
    'INVALID_TIMESTAMP',
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_OUT_OF_RANGE',
  ],
  outage: [
    'LEADER_NOT_AVAILABLE',
    'NOT_LEADER_FOR_PARTITION',
    'NOT_LEADER_OR_FOLLOWER',
    'REQUEST_TIMED_OUT',
    'BROKER_NOT_AVAILABLE',
    'REPLICA_NOT_AVAILABLE',
    'NETWORK_EXCEPTION',
    'NOT_ENOUGH_REPLICAS',
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'KAFKA_STORAGE_ERROR',
    'LOG_DIR_NOT_FOUND',
    'LISTENER_NOT_FOUND',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'THROTTLING_QUOTA_EXCEEDED',
    // Not let in: nothing is wrong with the records, and somebody has to act.
    'CLUSTER_AUTHORIZATION_FAILED',
    'UNSUPPORTED_SASL_MECHANISM',
    'ILLEGAL_SASL_STATE',
    'SASL_AUTHENTICATION_FAILED',
    'UNSUPPORTED_VERSION',
    'KafkaJSSASLAuthenticationError',
    'KafkaJSServerDoesNotSupportApiKey',
    // The producer's identity is used up; its port makes a new one.
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'UNKNOWN_PRODUCER_ID',
    'PRODUCER_FENCED',
    // No answer.
    'KafkaJSConnectionError',
    'KafkaJSConnectionClosedError',
    'KafkaJSRequestTimeoutError',
    'KafkaJSBrokerNotFound',
    'KafkaJSMetadataNotLoaded',
    'KafkaJSTopicMetadataNotLoaded',
    'KafkaJSLockTimeout',
    'KafkaJSTimeout',
    'KafkaJSNoBrokerAvailableError',
    'stopped',
    'hung',
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'ENOTFOUND',
    'EAI_AGAIN',
  ],
  destination: [
    'UNKNOWN_TOPIC_OR_PARTITION',
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_TOPIC',
    'TOPIC_AUTHORIZATION_FAILED',
    'POLICY_VIOLATION',
    'UNSUPPORTED_COMPRESSION_TYPE',
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    'KafkaJSNotImplemented',
  ],
  other: [],
};

const outcomeByName: ReadonlyMap<string, SendOutcome> = new Map(
  // `other` is what stands in no row.
  (['poison', 'outage', 'destination'] as const).flatMap((outcome) =>
    outcomes[outcome].map((name) => [name, outcome] as const),
  ),
);

/** Causes are followed this deep; deeper chains are a loop. */
const maxDepth = 16;

const field = (value: unknown, name: 'cause' | 'type' | 'code' | 'name' | 'message'): unknown =>
  typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;

const innermost = (error: unknown): unknown => {
  let inner = error;
  for (let depth = 0; depth < maxDepth; depth++) {
    const cause = field(inner, 'cause');
    if (cause === undefined || cause === null) break;
    inner = cause;
  }
  return inner;
};

/** Classifies what a send failed with. Never throws, whatever it is given. */
export const classifySendError = (error: unknown): ClassifiedSendError => {
  const cause = innermost(error);
  // Kafka's type says more than the system's code, and that more than the class of the error.
  const names = [field(cause, 'type'), field(cause, 'code'), field(cause, 'name')].filter(
    (name): name is string => typeof name === 'string' && name !== '',
  );
  const text = field(cause, 'message');
  const message = typeof text === 'string' ? text : typeof cause === 'string' ? cause : 'an error without a message';
  for (const name of names) {
    const outcome = outcomeByName.get(name);
    if (outcome !== undefined) return { outcome, code: name, message };
  }
  return { outcome: 'other', code: names[0] ?? 'UNKNOWN', message };
};
