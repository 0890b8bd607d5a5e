// The kafkajs adapter of the Kafka port: which parts it is made of and with which settings.
// Producer and admin have connections of their own, so that a lag sample never waits behind a batch.
import type { ConnectionOptions } from 'node:tls';
import { type BrokerLinks, createBrokerLinks } from './broker-links.ts';
import { createClusterMetadata } from './cluster-metadata.ts';
import { type Compression, codecOf } from './compression.ts';
import { type KafkaLogger, silentLogger } from './kafka-logger.ts';
import { createKafkajsAdmin } from './kafkajs-admin.ts';
import { expectedKafkajsVersion, kafkajs } from './kafkajs-internals.ts';
import { createKafkajsProducer } from './kafkajs-producer.ts';
import type { KafkaPort } from './port.ts';
import { patchRequestQueue } from './request-queue-patch.ts';
import type { RetryPolicy } from './retry.ts';
import { createTopicLimits } from './topic-limits.ts';

/** SASL by user and password. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** How long exchanges with the cluster may take, in milliseconds. */
export interface KafkaTimeouts {
  /** TCP and TLS. Default 3000. */
  readonly connectMs: number;
  /** Connecting, version handshake and SASL together. Default 5000. */
  readonly handshakeMs: number;
  /** A broker's wait for its replicas. Default 8000, always below `requestMs`. */
  readonly produceMs: number;
  /** From a request to its answer; also the time within which a failed exchange is tried again. Default 10000. */
  readonly requestMs: number;
  /** Age at which topics and their leaders are asked for again. Default 60000. */
  readonly metadataMaxAgeMs: number;
}

/** Defaults of the timeouts. */
export const defaultKafkaTimeouts: KafkaTimeouts = {
  connectMs: 3_000,
  handshakeMs: 5_000,
  produceMs: 8_000,
  requestMs: 10_000,
  metadataMaxAgeMs: 60_000,
};

/** Section `kafka` of the config, as far as a client needs it. */
export interface KafkajsOptions {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly compression: Compression;
  /** true, or options of `tls.connect`. */
  readonly ssl: boolean | ConnectionOptions;
  /** null = none. */
  readonly sasl: KafkaSasl | null;
  /** Default: silent. Gets no secrets and no records. */
  readonly logger?: KafkaLogger;
  /** Default: `defaultKafkaTimeouts`. */
  readonly timeouts?: Partial<KafkaTimeouts>;
}

/**
 * Creates the port. Nothing connects before the first call, and everything connects again after any outage.
 * Throws an Error when kafkajs is not exactly 2.2.4, and `config_invalid` for an address that is none.
 */
export const createKafkajsPort = (options: KafkajsOptions): KafkaPort => {
  if (kafkajs.version !== expectedKafkajsVersion) {
    throw new Error(`the kafkajs adapter knows version ${expectedKafkajsVersion} only, found ${kafkajs.version}`);
  }
  patchRequestQueue();
  const timeouts = { ...defaultKafkaTimeouts, ...options.timeouts };
  const retry: RetryPolicy = { retries: 3, firstDelayMs: 200, maxDelayMs: 2_000, withinMs: timeouts.requestMs };
  const now = (): number => performance.now();
  const createLinks = (): BrokerLinks =>
    createBrokerLinks({
      bootstrap: options.brokers,
      clientId: options.clientId,
      ssl: options.ssl,
      sasl: options.sasl,
      timeouts,
      logger: options.logger ?? silentLogger,
    });
  const metadataOf = (links: BrokerLinks) => createClusterMetadata(links, { maxAgeMs: timeouts.metadataMaxAgeMs, now });

  return {
    createProducer: () => {
      const links = createLinks();
      return createKafkajsProducer(
        {
          links,
          metadata: metadataOf(links),
          limits: createTopicLimits(links, now),
          codec: codecOf(options.compression),
          produceTimeoutMs: Math.min(timeouts.produceMs, timeouts.requestMs),
        },
        retry,
      );
    },
    createAdmin: () => {
      const links = createLinks();
      return createKafkajsAdmin({ links, metadata: metadataOf(links) }, retry);
    },
  };
};
