// Makes the Kafka port that the config asks for. The one place that knows which adapters there are.
import type { Config } from '../config/schema.ts';
import type { Logger } from '../observability/logger.ts';
import { createKafkajsPort } from './kafkajs-adapter.ts';
import { createPlatformaticPort } from './platformatic-adapter.ts';
import type { KafkaPort } from './port.ts';

/** Creates the port; `role` becomes part of the client id, so that brokers can tell our processes apart. */
export const createKafka = (
  config: Config['kafka'],
  deps: { readonly logger: Logger; readonly role: string },
): KafkaPort => {
  const { brokers, compression, ssl, sasl } = config;
  const options = {
    brokers,
    clientId: `${config.clientId}-${deps.role}`,
    compression,
    ssl,
    sasl,
    logger: deps.logger,
  };
  switch (config.client) {
    case 'kafkajs':
      return createKafkajsPort(options);
    case 'platformatic':
      return createPlatformaticPort({ ...options, idempotent: config.idempotent });
  }
};
