// The port, put together for one client library. Producer and admin have connections of their own, so that a lag sample
// never waits behind a batch.
import { createAdmin } from './admin.ts';
import type { KafkaTimeouts } from './client-settings.ts';
import { type ClusterMetadata, createClusterMetadata } from './cluster-metadata.ts';
import type { KafkaPort, KafkaProducerOptions, KafkaProducerPort } from './port.ts';
import type { RetryPolicy } from './retry.ts';
import { createTopicLimits, type TopicLimits } from './topic-limits.ts';
import type { KafkaWire } from './wire.ts';

/** What every producer needs beside its wire. */
export interface ProducerParts {
  readonly metadata: ClusterMetadata;
  readonly limits: TopicLimits;
  /** How long a broker waits for its replicas, in milliseconds. */
  readonly produceTimeoutMs: number;
  readonly retry: RetryPolicy;
}

/** What a client library brings. */
export interface PortParts<Wire extends KafkaWire> {
  readonly timeouts: KafkaTimeouts;
  /** A wire with connections of its own; connects to nothing yet. */
  readonly openWire: () => Wire;
  readonly createProducer: (wire: Wire, parts: ProducerParts, options: KafkaProducerOptions) => KafkaProducerPort;
}

/** Creates the port. Nothing connects before the first call, and everything connects again after any outage. */
export const createPort = <Wire extends KafkaWire>(port: PortParts<Wire>): KafkaPort => {
  const { timeouts } = port;
  const retry: RetryPolicy = { retries: 3, firstDelayMs: 200, maxDelayMs: 2_000, withinMs: timeouts.requestMs };
  const now = (): number => performance.now();
  const metadataOf = (wire: Wire): ClusterMetadata =>
    createClusterMetadata(wire, { maxAgeMs: timeouts.metadataMaxAgeMs, now });
  return {
    createProducer: (options = {}) => {
      const wire = port.openWire();
      const parts: ProducerParts = {
        metadata: metadataOf(wire),
        limits: createTopicLimits(wire, now),
        produceTimeoutMs: Math.min(timeouts.produceMs, timeouts.requestMs),
        retry,
      };
      return port.createProducer(wire, parts, options);
    },
    createAdmin: () => {
      const wire = port.openWire();
      return createAdmin({ wire, metadata: metadataOf(wire) }, retry);
    },
  };
};
