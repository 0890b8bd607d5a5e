// What the failure of a send means for its records (design.md, "Outcomes of a send"): one table over the innermost cause,
// by name, type and code, never by what the client says about trying again (kafkajs calls an outage non-retriable).
// The table knows Kafka's own error names, so that it serves every client that keeps them. Where the innermost cause says
// nothing that we know (a certificate that Node refuses), the nearest error around it that does decides.

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
    'PLT_KFK_NETWORK',
    'PLT_KFK_TIMEOUT',
    'PLT_KFK_AUTHENTICATION',
    'PLT_KFK_UNEXPECTED_CORRELATION_ID',
    'PLT_KFK_UNSUPPORTED',
    'PLT_KFK_UNSUPPORTED_API',
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
    'PLT_KFK_UNSUPPORTED_COMPRESSION',
    'PLT_KFK_UNSUPPORTED_FORMAT',
  ],
  other: [],
};

const outcomeByName: ReadonlyMap<string, SendOutcome> = new Map(
  // `other` is what stands in no row.
  (['poison', 'outage', 'destination'] as const).flatMap((outcome) =>
    outcomes[outcome].map((name) => [name, outcome] as const),
  ),
);

/** What @platformatic/kafka tells by the text of a `PLT_KFK_USER` alone. */
const userErrors: readonly { readonly text: RegExp; readonly outcome: SendOutcome }[] = [
  { text: /^Unknown topic /, outcome: 'destination' },
  { text: /^Failed to serialize a message/, outcome: 'poison' },
  { text: /^Broker requires TLS|^TLS handshake failed|^SASL mechanism /, outcome: 'outage' },
];

/** Of several causes the first that stands here decides: a record is to blame only when nothing else is. */
const precedence: readonly SendOutcome[] = ['outage', 'destination', 'other', 'poison'];

/** Causes are followed this deep, and this many of them; more are a loop, or the record of a long outage. */
const maxDepth = 16;
const maxCauses = 100;

const field = (value: unknown, name: 'cause' | 'errors' | 'type' | 'apiId' | 'code' | 'name' | 'message'): unknown =>
  typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;

/** Kafka's name says more than the system's code, and that more than the class of the error. */
const namesOf = (error: unknown): readonly string[] =>
  [field(error, 'type'), field(error, 'apiId'), field(error, 'code'), field(error, 'name')].filter(
    (name): name is string => typeof name === 'string' && name !== '',
  );

const messageOf = (error: unknown): string => {
  const text = field(error, 'message');
  if (typeof text === 'string') return text;
  return typeof error === 'string' ? error : 'an error without a message';
};

/** What an error itself says, its causes aside; null when nothing that we know. */
const ownOutcome = (error: unknown): { readonly outcome: SendOutcome; readonly code: string } | null => {
  for (const name of namesOf(error)) {
    const outcome = outcomeByName.get(name);
    if (outcome !== undefined) return { outcome, code: name };
  }
  if (field(error, 'code') !== 'PLT_KFK_USER') return null;
  const known = userErrors.find(({ text }) => text.test(messageOf(error)));
  return known === undefined ? null : { outcome: known.outcome, code: 'PLT_KFK_USER' };
};

const causesOf = (error: unknown): readonly unknown[] => {
  const errors = field(error, 'errors');
  if (Array.isArray(errors) && errors.length > 0) return errors;
  const cause = field(error, 'cause');
  return cause === undefined || cause === null ? [] : [cause];
};

/** The chains of an error, each from the outermost to an innermost cause. */
const chainsOf = (error: unknown): readonly (readonly unknown[])[] => {
  const chains: unknown[][] = [];
  const follow = (inner: unknown, around: readonly unknown[]): void => {
    if (chains.length >= maxCauses) return;
    const causes = around.length < maxDepth ? causesOf(inner) : [];
    if (causes.length === 0) chains.push([...around, inner]);
    for (const cause of causes) follow(cause, [...around, inner]);
  };
  follow(error, []);
  return chains;
};

const classifyChain = (chain: readonly unknown[]): ClassifiedSendError => {
  const innermost = chain.at(-1);
  const message = messageOf(innermost);
  const itself = ownOutcome(innermost);
  if (itself !== null) return { ...itself, message };
  const around = chain
    .toReversed()
    .map(ownOutcome)
    .find((known) => known !== null);
  return { outcome: around?.outcome ?? 'other', code: namesOf(innermost)[0] ?? 'UNKNOWN', message };
};

/** Classifies what a send failed with. Never throws, whatever it is given. */
export const classifySendError = (error: unknown): ClassifiedSendError => {
  const classified = chainsOf(error).map(classifyChain);
  for (const outcome of precedence) {
    const decisive = classified.find((one) => one.outcome === outcome);
    if (decisive !== undefined) return decisive;
  }
  return { outcome: 'other', code: 'UNKNOWN', message: messageOf(error) };
};
