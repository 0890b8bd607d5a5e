// The platformatic adapter of the Kafka port: which parts it is made of.
import { type ClientOptions, completeSettings } from './client-settings.ts';
import { type Compression, codecOf } from './compression.ts';
import { createPort } from './create-port.ts';
import { createNumberedProducer } from './numbered-producer.ts';
import { createPlainProducer } from './plain-producer.ts';
import { loadPlatformatic } from './platformatic-internals.ts';
import { createPlatformaticLinks } from './platformatic-links.ts';
import { createPlatformaticWire } from './platformatic-wire.ts';
import type { KafkaPort } from './port.ts';

/** Section `kafka` of the config, as far as this client needs it. */
export interface PlatformaticOptions extends ClientOptions {
  readonly compression: Compression;
  /** Default true. false: as with kafkajs, a record doubles at most once per answer that did not come. */
  readonly idempotent?: boolean;
}

/**
 * Creates the port. Loads the client library (0.3 s); nothing connects before the first call, and everything connects again
 * after any outage. Throws `config_invalid` for an address that is none.
 */
export const createPlatformaticPort = (options: PlatformaticOptions): KafkaPort => {
  const settings = completeSettings(options);
  const codec = codecOf(options.compression);
  const platformatic = loadPlatformatic();
  const isIdempotent = options.idempotent ?? true;
  return createPort({
    timeouts: settings.timeouts,
    openWire: () => createPlatformaticWire(platformatic, createPlatformaticLinks(platformatic, settings)),
    createProducer: (wire, parts, producerOptions) =>
      isIdempotent
        ? createNumberedProducer({ wire, ...parts, codec }, producerOptions)
        : createPlainProducer({ wire, ...parts, codec }, parts.retry),
  });
};
