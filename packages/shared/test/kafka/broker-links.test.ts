import { describe, expect, it } from 'vitest';
import { parseBrokerAddress } from '../../src/kafka/broker-links.ts';
import { defaultKafkaTimeouts } from '../../src/kafka/client-settings.ts';
import { createKafkajsLinks } from '../../src/kafka/kafkajs-links.ts';
import { createKafkajsWire } from '../../src/kafka/kafkajs-wire.ts';

describe('the address of a broker', () => {
  it.each([
    { text: 'kafka-1:9093', expected: { host: 'kafka-1', port: 9093 } },
    { text: '10.0.0.1:9092', expected: { host: '10.0.0.1', port: 9092 } },
    { text: '[::1]:9094', expected: { host: '::1', port: 9094 } },
    { text: ' kafka.example.org ', expected: { host: 'kafka.example.org', port: 9092 } },
  ])('$text', ({ text, expected }) => {
    expect(parseBrokerAddress(text)).toEqual(expected);
  });

  it.each(['', 'host:port', 'a:b:c', '[::1'])('"%s" is none', (text) => {
    expect(() => parseBrokerAddress(text)).toThrow('host:port');
  });
});

describe('links to brokers that do not listen', () => {
  it('say once that Kafka is away, and name every broker that was tried', async () => {
    const lines: { readonly fields: object; readonly message: string }[] = [];
    const links = createKafkajsLinks({
      brokers: ['127.0.0.1:1', '[::1]:1', '127.0.0.1:1'],
      clientId: 'links',
      ssl: false,
      sasl: null,
      timeouts: defaultKafkaTimeouts,
      logger: {
        debug: () => {},
        info: () => {},
        warn: (fields, message) => void lines.push({ fields, message }),
      },
    });
    const wire = createKafkajsWire(links);
    await expect(wire.metadata(['t'])).rejects.toThrow('Connection error');
    await expect(wire.metadata(['t'])).rejects.toThrow('Connection error');
    expect(lines).toMatchObject([{ message: 'kafka unreachable', fields: { brokers: ['127.0.0.1:1', '[::1]:1'] } }]);
    expect(links.isReachable()).toBe(false);
    await links.close();
    await links.close();
    await expect(wire.metadata(['t'])).rejects.toMatchObject({ code: 'stopped' });
  });

  it('cannot be made without a broker', () => {
    const make = (): unknown =>
      createKafkajsLinks({
        brokers: [],
        clientId: 'links',
        ssl: false,
        sasl: null,
        timeouts: defaultKafkaTimeouts,
        logger: { debug: () => {}, info: () => {}, warn: () => {} },
      });
    expect(make).toThrow('kafka.brokers');
  });
});
