// Makes the Kafka port that the config asks for. The one place that knows which adapters there are.
import type { Config } from '../config/schema.ts';
import { StreamManagerError } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { createKafkajsPort } from './kafkajs-adapter.ts';
import type { KafkaPort } from './port.ts';

/** Creates the port; `role` becomes part of the client id, so that brokers can tell our processes apart. */
export const createKafka = (
  config: Config['kafka'],
  deps: { readonly logger: Logger; readonly role: string },
): KafkaPort => {
  switch (config.client) {
    case 'kafkajs':
      return createKafkajsPort({
        brokers: config.brokers,
        clientId: `${config.clientId}-${deps.role}`,
        compression: config.compression,
        ssl: config.ssl,
        sasl: config.sasl,
        logger: deps.logger,
      });
    case 'platformatic':
      throw new StreamManagerError(
        'config_invalid',
        'kafka.client is "platformatic", which this version does not carry yet: use kafkajs',
      );
  }
};
