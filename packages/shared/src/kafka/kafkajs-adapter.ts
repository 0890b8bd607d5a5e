// The kafkajs adapter of the Kafka port: which parts it is made of and with which settings.
// Producer and admin have connections of their own, so that a lag sample never waits behind a batch.
import { type ClientOptions, completeSettings } from './client-settings.ts';
import { type Compression, codecOf } from './compression.ts';
import { createPort } from './create-port.ts';
import { expectedKafkajsVersion, kafkajs } from './kafkajs-internals.ts';
import { createKafkajsLinks } from './kafkajs-links.ts';
import { createKafkajsWire } from './kafkajs-wire.ts';
import { createPlainProducer } from './plain-producer.ts';
import type { KafkaPort } from './port.ts';
import { patchRequestQueue } from './request-queue-patch.ts';

/** Section `kafka` of the config, as far as this client needs it. */
export interface KafkajsOptions extends ClientOptions {
  readonly compression: Compression;
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
  const settings = completeSettings(options);
  return createPort({
    timeouts: settings.timeouts,
    openWire: () => createKafkajsWire(createKafkajsLinks(settings)),
    createProducer: (wire, parts) =>
      createPlainProducer({ wire, ...parts, codec: codecOf(options.compression) }, parts.retry),
  });
};
