import { describe, expect, it } from 'vitest';
import { bridgeLogger } from '../../src/kafka/kafka-logger.ts';
import type { KafkajsLogger } from '../../src/kafka/kafkajs-internals.ts';

const collect = () => {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn') } };
};

/** A namespace as kafkajs makes them, with the levels that its code calls. */
const namespaceOf = (logger: KafkajsLogger) =>
  logger.namespace('Connection') as KafkajsLogger & {
    readonly error: (message: string, fields?: object) => void;
    readonly debug: (message: string, fields?: object) => void;
  };

describe("kafkajs' log lines", () => {
  it('come out at debug, with the fields that we know to be harmless', () => {
    const { lines, logger } = collect();
    namespaceOf(bridgeLogger(logger)).error('Connection error: ECONNREFUSED', {
      broker: '127.0.0.1:1',
      correlationId: 3,
      sasl: { password: 'secret' },
      payload: Buffer.from('record'),
      stack: 'at …',
    });
    expect(lines).toEqual([
      {
        level: 'debug',
        fields: {
          kafkajs: 'Connection',
          kafkajsLevel: 'ERROR',
          broker: '127.0.0.1:1',
          correlationId: 3,
          kafkajsMessage: 'Connection error: ECONNREFUSED',
        },
        message: 'kafkajs',
      },
    ]);
  });

  it('of each request are left out', () => {
    const { lines, logger } = collect();
    namespaceOf(bridgeLogger(logger)).debug('Request Produce');
    expect(lines).toEqual([]);
  });
});
