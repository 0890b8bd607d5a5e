// The parts of kafkajs that this adapter stands on: its network, SASL, TLS and protocol layers. Its producer, admin and
// cluster classes are left out: a deleted topic poisons all others there, an unknown partition drops records silently, one
// partition's answer hides the others' (docs/decisions/0007-kafkajs-without-its-producer.md). kafkajs 2.2.4 is its last
// release and has no `exports` map; the version is checked exactly when the port is made.
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const require = createRequire(import.meta.url);

/** The one version whose internals this adapter knows. */
export const expectedKafkajsVersion = '2.2.4';

/** A request as kafkajs' connections take it: `buf` and `buffer` are what its own Encoder would offer. */
export interface ProtocolRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
}

/** A request with the reader of its answer. `parse` may throw; ours never do, errors stand in the answer. */
export interface Protocol<Answer> {
  readonly request: ProtocolRequest;
  readonly response: {
    decode(payload: Buffer): Promise<Answer>;
    parse(answer: Answer): Promise<Answer>;
  };
  /** false: kafkajs writes no ERROR line for an answer that carries an error. */
  readonly logResponseError?: boolean;
}

/** One of the two connections of a pool (the second serves fetches, which we never send). */
export interface KafkajsConnection {
  readonly socket?: Socket;
  isConnected(): boolean;
}

/** The connections to one broker. */
export interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[];
  isConnected(): boolean;
  send<Answer>(protocol: Protocol<Answer>): Promise<Answer>;
}

/** A broker: connects with ApiVersions and SASL. `versions` maps API keys to the versions that the broker speaks. */
export interface KafkajsBroker {
  readonly connectionPool: KafkajsConnectionPool;
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

/** kafkajs' logger with its namespaces. */
export interface KafkajsLogger {
  namespace(name: string): KafkajsLogger;
}

/** What kafkajs hands to a log creator. */
export interface KafkajsLogEntry {
  readonly namespace: string;
  readonly label: string;
  readonly log: Readonly<Record<string, unknown>> & { readonly message: string };
}

/** Options of a connection pool, as kafkajs names them. */
export interface ConnectionPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly ssl: unknown;
  readonly sasl: unknown;
  readonly socketFactory: unknown;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly logger: KafkajsLogger;
}

/** The prototype that the timer patch changes. */
export interface RequestQueuePrototype {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** A broker in an answer to Metadata. */
export interface MetadataBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** An answer to Metadata, version 6, errors as codes per topic and partition. */
export interface KafkajsMetadataAnswer {
  readonly brokers: readonly MetadataBroker[];
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number;
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
    }[];
  }[];
}

/** An answer to Produce, version 7. */
export interface KafkajsProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

/** An answer to ListOffsets, version 3. */
export interface KafkajsListOffsetsAnswer {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number; readonly offset: string }[];
  }[];
}

/** An answer to OffsetFetch, version 4. */
export interface KafkajsOffsetFetchAnswer extends KafkajsListOffsetsAnswer {
  readonly errorCode: number;
}

/** An answer to FindCoordinator, version 2. */
export interface KafkajsFindCoordinatorAnswer {
  readonly errorCode: number;
  readonly coordinator: MetadataBroker;
}

/** An answer to ListGroups, version 2. */
export interface KafkajsListGroupsAnswer {
  readonly errorCode: number;
  readonly groups: readonly { readonly groupId: string; readonly protocolType: string }[];
}

/** An answer to CreateTopics, version 3. */
export interface KafkajsCreateTopicsAnswer {
  readonly topicErrors: readonly {
    readonly topic: string;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[];
}

/** An answer to DescribeConfigs, version 2. */
export interface KafkajsDescribeConfigsAnswer {
  readonly resources: readonly {
    readonly errorCode: number;
    readonly errorMessage: string | null;
    readonly resourceName: string;
    readonly configEntries: readonly {
      readonly configName: string;
      readonly configValue: string | null;
      readonly isSensitive: boolean;
    }[];
  }[];
}

interface ProtocolModule<Options, Answer> {
  readonly protocol: (version: { readonly version: number }) => (options: Options) => Protocol<Answer>;
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly timestamp?: number }[];
}

type BrokerClass = new (options: {
  connectionPool: KafkajsConnectionPool;
  logger: KafkajsLogger;
  authenticationTimeout: number;
}) => KafkajsBroker;

interface ErrorClasses {
  readonly KafkaJSConnectionError: new (message: string, options: { broker: string; code?: string }) => Error;
  readonly KafkaJSRequestTimeoutError: new (message: string, options: { broker: string }) => Error;
}

interface Loggers {
  readonly createLogger: (options: {
    level: number;
    logCreator: () => (entry: KafkajsLogEntry) => void;
  }) => KafkajsLogger;
}

interface TopicToCreate {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: readonly { readonly name: string; readonly value: string }[];
}

interface ConfigQuery {
  readonly type: number;
  readonly name: string;
  readonly configNames: readonly string[];
}

const load = (path: string): unknown => require(`kafkajs/${path}`);
const loadRequest = (name: string): unknown => load(`src/protocol/requests/${name}`);

// kafkajs ships no types for its internals. The casts name them; the version check, the byte tests and the contract
// suite hold them to what the pinned version does.
const packageJson = load('package.json') as { readonly version: string };
const metadata = loadRequest('metadata') as ProtocolModule<
  { topics: readonly string[]; allowAutoTopicCreation: boolean },
  KafkajsMetadataAnswer
>;
const listOffsets = loadRequest('listOffsets') as ProtocolModule<
  { isolationLevel: number; topics: readonly TopicPartitions[] },
  KafkajsListOffsetsAnswer
>;
const offsetFetch = loadRequest('offsetFetch') as ProtocolModule<
  { groupId: string; topics: readonly TopicPartitions[] },
  KafkajsOffsetFetchAnswer
>;
const findCoordinator = loadRequest('findCoordinator') as ProtocolModule<
  { groupId: string },
  KafkajsFindCoordinatorAnswer
>;
const listGroups = loadRequest('listGroups') as ProtocolModule<undefined, KafkajsListGroupsAnswer>;
const createTopics = loadRequest('createTopics') as ProtocolModule<
  { topics: readonly TopicToCreate[]; timeout: number },
  KafkajsCreateTopicsAnswer
>;
const describeConfigs = loadRequest('describeConfigs') as ProtocolModule<
  { resources: readonly ConfigQuery[] },
  KafkajsDescribeConfigsAnswer
>;

/** kafkajs' internals by the names that it gives them; each request in the newest version that kafkajs has. */
export const kafkajs = {
  version: packageJson.version,
  Broker: load('src/broker') as BrokerClass,
  ConnectionPool: load('src/network/connectionPool') as new (options: ConnectionPoolOptions) => KafkajsConnectionPool,
  RequestQueue: load('src/network/requestQueue') as { readonly prototype: RequestQueuePrototype },
  createLogger: (load('src/loggers') as Loggers).createLogger,
  errors: load('src/errors') as ErrorClasses,
  produceResponse: loadRequest('produce/v7/response') as Protocol<KafkajsProduceAnswer>['response'],
  metadata: metadata.protocol({ version: 6 }),
  listOffsets: listOffsets.protocol({ version: 3 }),
  offsetFetch: offsetFetch.protocol({ version: 4 }),
  findCoordinator: findCoordinator.protocol({ version: 2 }),
  listGroups: listGroups.protocol({ version: 2 }),
  createTopics: createTopics.protocol({ version: 3 }),
  describeConfigs: describeConfigs.protocol({ version: 2 }),
} as const;

/** The same request, whose errors stand in the answer instead of being thrown for the first of many topics. */
export const withoutThrowing = <Answer>(protocol: Protocol<Answer>): Protocol<Answer> => ({
  request: protocol.request,
  response: { decode: (payload) => protocol.response.decode(payload), parse: async (answer) => answer },
  logResponseError: false,
});
