// What the adapter logs with, and what it lets kafkajs say. kafkajs reports every refused connection at ERROR and puts
// whole requests into its debug lines; we log reachability once per change ourselves, so its lines go to debug, with a
// few named fields only, and no line of it can carry a secret or a record.
import { type KafkajsLogger, kafkajs } from './kafkajs-internals.ts';

/** The part of a pino logger that the adapter needs. */
export interface KafkaLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** For a port made without a logger. */
export const silentLogger: KafkaLogger = { debug: () => {}, info: () => {}, warn: () => {} };

/** Fields of kafkajs' log entries that are passed on. */
const passedFields = ['broker', 'error', 'correlationId', 'size'] as const;

/** kafkajs' numbers: 4 = INFO, which leaves out its own debug lines (one per request). */
const kafkajsInfo = 4;

/** A kafkajs logger that writes to ours, at debug. */
export const bridgeLogger = (logger: KafkaLogger): KafkajsLogger =>
  kafkajs.createLogger({
    level: kafkajsInfo,
    logCreator: () => (entry) => {
      const fields: Record<string, unknown> = { kafkajs: entry.namespace, kafkajsLevel: entry.label };
      for (const field of passedFields) {
        const value = entry.log[field];
        if (typeof value === 'string' || typeof value === 'number') fields[field] = value;
      }
      logger.debug({ ...fields, kafkajsMessage: entry.log.message }, 'kafkajs');
    },
  });
