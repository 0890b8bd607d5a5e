// Kafka's error codes, as far as the requests of the port can be answered with them, under the names and texts that kafkajs
// gives them (Java's names where kafkajs has none). One class for all of them, whichever client carried the answer.

const known: ReadonlyMap<number, { readonly type: string; readonly text: string }> = new Map(
  (
    [
      [-1, 'UNKNOWN_SERVER_ERROR', 'The server experienced an unexpected error when processing the request'],
      [1, 'OFFSET_OUT_OF_RANGE', 'The requested offset is not within the range of offsets maintained by the server'],
      [
        2,
        'CORRUPT_MESSAGE',
        'This message has failed its CRC checksum, exceeds the valid size, or is otherwise corrupt',
      ],
      [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition'],
      [
        5,
        'LEADER_NOT_AVAILABLE',
        'There is no leader for this topic-partition as we are in the middle of a leadership election',
      ],
      [6, 'NOT_LEADER_FOR_PARTITION', 'This server is not the leader for that topic-partition'],
      [7, 'REQUEST_TIMED_OUT', 'The request timed out'],
      [8, 'BROKER_NOT_AVAILABLE', 'The broker is not available'],
      [9, 'REPLICA_NOT_AVAILABLE', 'The replica is not available for the requested topic-partition'],
      [
        10,
        'MESSAGE_TOO_LARGE',
        'The request included a message larger than the max message size the server will accept',
      ],
      [13, 'NETWORK_EXCEPTION', 'The server disconnected before a response was received'],
      [14, 'GROUP_LOAD_IN_PROGRESS', "The coordinator is loading and hence can't process requests for this group"],
      [15, 'GROUP_COORDINATOR_NOT_AVAILABLE', 'The group coordinator is not available'],
      [16, 'NOT_COORDINATOR_FOR_GROUP', 'This is not the correct coordinator for this group'],
      [17, 'INVALID_TOPIC_EXCEPTION', 'The request attempted to perform an operation on an invalid topic'],
      [
        18,
        'RECORD_LIST_TOO_LARGE',
        'The request included message batch larger than the configured segment size on the server',
      ],
      [19, 'NOT_ENOUGH_REPLICAS', 'Messages are rejected since there are fewer in-sync replicas than required'],
      [
        20,
        'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
        'Messages are written to the log, but to fewer in-sync replicas than required',
      ],
      [21, 'INVALID_REQUIRED_ACKS', 'Produce request specified an invalid value for required acks'],
      [29, 'TOPIC_AUTHORIZATION_FAILED', 'Not authorized to access topics: [Topic authorization failed]'],
      [30, 'GROUP_AUTHORIZATION_FAILED', 'Not authorized to access group: Group authorization failed'],
      [31, 'CLUSTER_AUTHORIZATION_FAILED', 'Cluster authorization failed'],
      [32, 'INVALID_TIMESTAMP', 'The timestamp of the message is out of acceptable range'],
      [33, 'UNSUPPORTED_SASL_MECHANISM', 'The broker does not support the requested SASL mechanism'],
      [34, 'ILLEGAL_SASL_STATE', 'Request is not valid given the current SASL state'],
      [35, 'UNSUPPORTED_VERSION', 'The version of API is not supported'],
      [36, 'TOPIC_ALREADY_EXISTS', 'Topic with this name already exists'],
      [37, 'INVALID_PARTITIONS', 'Number of partitions is invalid'],
      [38, 'INVALID_REPLICATION_FACTOR', 'Replication-factor is invalid'],
      [39, 'INVALID_REPLICA_ASSIGNMENT', 'Replica assignment is invalid'],
      [40, 'INVALID_CONFIG', 'Configuration is invalid'],
      [41, 'NOT_CONTROLLER', 'This is not the correct controller for this cluster'],
      [
        42,
        'INVALID_REQUEST',
        'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker',
      ],
      [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 'The message format version on the broker does not support the request'],
      [44, 'POLICY_VIOLATION', 'Request parameters do not satisfy the configured policy'],
      [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'The broker received an out of order sequence number'],
      [46, 'DUPLICATE_SEQUENCE_NUMBER', 'The broker received a duplicate sequence number'],
      [47, 'INVALID_PRODUCER_EPOCH', 'Producer attempted an operation with an old epoch'],
      [48, 'INVALID_TXN_STATE', 'The producer attempted a transactional operation in an invalid state'],
      [
        49,
        'INVALID_PRODUCER_ID_MAPPING',
        'The producer attempted to use a producer id which is not currently assigned to its transactional id',
      ],
      [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'Transactional Id authorization failed'],
      [54, 'SECURITY_DISABLED', 'Security features are disabled'],
      [55, 'OPERATION_NOT_ATTEMPTED', 'The broker did not attempt to execute this operation'],
      [56, 'KAFKA_STORAGE_ERROR', 'Disk error when trying to access log file on the disk'],
      [57, 'LOG_DIR_NOT_FOUND', 'The user-specified log directory is not found in the broker config'],
      [58, 'SASL_AUTHENTICATION_FAILED', 'SASL Authentication failed'],
      [
        59,
        'UNKNOWN_PRODUCER_ID',
        'This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question',
      ],
      [60, 'REASSIGNMENT_IN_PROGRESS', 'A partition reassignment is in progress'],
      [69, 'GROUP_ID_NOT_FOUND', 'The group id was not found'],
      [
        72,
        'LISTENER_NOT_FOUND',
        'There is no listener on the leader broker that matches the listener on which metadata request was processed',
      ],
      [74, 'FENCED_LEADER_EPOCH', 'The leader epoch in the request is older than the epoch on the broker'],
      [75, 'UNKNOWN_LEADER_EPOCH', 'The leader epoch in the request is newer than the epoch on the broker'],
      [
        76,
        'UNSUPPORTED_COMPRESSION_TYPE',
        'The requesting client does not support the compression type of given partition',
      ],
      [
        78,
        'OFFSET_NOT_AVAILABLE',
        'The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing',
      ],
      [87, 'INVALID_RECORD', 'This record has failed the validation on broker and hence be rejected'],
      [88, 'UNSTABLE_OFFSET_COMMIT', 'There are unstable offsets that need to be cleared'],
      [89, 'THROTTLING_QUOTA_EXCEEDED', 'The throttling quota has been exceeded'],
      [90, 'PRODUCER_FENCED', 'There is a newer producer with the same transactionalId which fences the current one'],
      [100, 'UNKNOWN_TOPIC_ID', 'This server does not host this topic ID'],
    ] as const
  ).map(([code, type, text]) => [code, { type, text }]),
);

/** An answer of a broker that is an error. `code` is Kafka's number, `type` its name. */
export class KafkaProtocolError extends Error {
  override readonly name = 'KafkaProtocolError';
  readonly code: number;
  readonly type: string;

  constructor(code: number, type: string, message: string) {
    super(message);
    this.code = code;
    this.type = type;
  }
}

/** The error of one of Kafka's codes; `detail` names the topic and what was found. Code 0 is no error. */
export const protocolError = (code: number, detail: string): KafkaProtocolError => {
  const { type, text } = known.get(code) ?? { type: 'UNKNOWN_ERROR_CODE', text: `Unknown error code ${code}` };
  return new KafkaProtocolError(code, type, `${text} (${detail})`);
};
