// The adapters of the Kafka port, for tests that hold for both of them.
import type { ClientOptions } from '../../src/kafka/client-settings.ts';
import type { Compression } from '../../src/kafka/compression.ts';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';
import { createPlatformaticPort } from '../../src/kafka/platformatic-adapter.ts';
import type { KafkaPort } from '../../src/kafka/port.ts';

/** Client options of which all but the brokers have a value for tests. */
type AdapterOptions = Partial<ClientOptions> & {
  readonly brokers: readonly string[];
  readonly compression?: Compression;
};

/** Makes a port with one of the adapters. */
export type OpenPort = (options: AdapterOptions) => KafkaPort;

const complete = (options: AdapterOptions) =>
  ({ clientId: 'test', compression: 'none', ssl: false, sasl: null, ...options }) as const;

/** By the values of `kafka.client`. */
export const bothAdapters: readonly { readonly client: 'kafkajs' | 'platformatic'; readonly open: OpenPort }[] = [
  { client: 'kafkajs', open: (options) => createKafkajsPort(complete(options)) },
  { client: 'platformatic', open: (options) => createPlatformaticPort(complete(options)) },
];
