import { describe, expect, it } from 'vitest';
import { createBrokerLinks, parseBrokerAddress } from '../../src/kafka/broker-links.ts';
import { defaultKafkaTimeouts } from '../../src/kafka/client-settings.ts';
import { silentLogger } from '../../src/kafka/kafka-logger.ts';
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

describe('links to brokers that the cluster does not name any more', () => {
  const gone = { host: 'gone', port: 1 };
  const other = { host: 'other', port: 1 };

  const setUp = () => {
    const shaken = Promise.withResolvers<void>();
    const state = { isOpen: false, opened: 0, cuts: 0, closes: 0 };
    const links = createBrokerLinks<string>({
      bootstrap: ['bootstrap:1'],
      timeouts: defaultKafkaTimeouts,
      logger: silentLogger,
      open: ({ host }) => {
        state.opened += 1;
        return {
          connection: host,
          connect: () => shaken.promise,
          isOpen: () => state.isOpen,
          cut: () => void (state.cuts += 1),
          close: async () => void (state.closes += 1),
        };
      },
    });
    const ask = () => links.send(gone, { name: 'Ask', send: async (connection) => connection });
    return { links, state, shaken, ask };
  };

  it('stay in use, and are closed in the end, if they shake hands at that moment', async () => {
    const { links, state, shaken, ask } = setUp();
    const asking = ask();
    links.learn([other]);
    state.isOpen = true;
    shaken.resolve();
    expect(await asking).toBe('gone');
    expect(await ask()).toBe('gone');
    expect(state).toMatchObject({ opened: 1, cuts: 0 });
    await links.close();
    expect(state.closes).toBe(1);
  });

  it('are thrown away once they are closed', async () => {
    const { links, state, shaken, ask } = setUp();
    state.isOpen = true;
    shaken.resolve();
    await ask();
    state.isOpen = false;
    links.learn([other]);
    expect(state.cuts).toBe(1);
    await links.close();
    expect(state.closes).toBe(0);
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
