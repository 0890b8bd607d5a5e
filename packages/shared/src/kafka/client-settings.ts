// What every client library is told about the cluster, and how long it may take: the same for both adapters.
import type { ConnectionOptions } from 'node:tls';
import { type KafkaLogger, silentLogger } from './kafka-logger.ts';

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

/** The settings of a client, complete. */
export interface ClientSettings {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** true, or options of `tls.connect`. */
  readonly ssl: boolean | ConnectionOptions;
  /** null = none. */
  readonly sasl: KafkaSasl | null;
  readonly timeouts: KafkaTimeouts;
  /** Gets no secrets and no records. */
  readonly logger: KafkaLogger;
}

/** What an adapter is given: some timeouts and a logger may be left out. */
export interface ClientOptions extends Omit<ClientSettings, 'timeouts' | 'logger'> {
  /** Default: silent. */
  readonly logger?: KafkaLogger;
  /** Default: `defaultKafkaTimeouts`. */
  readonly timeouts?: Partial<KafkaTimeouts>;
}

/** Fills in the defaults. */
export const completeSettings = (options: ClientOptions): ClientSettings => ({
  ...options,
  logger: options.logger ?? silentLogger,
  timeouts: { ...defaultKafkaTimeouts, ...options.timeouts },
});
