// A cluster that asks for a login (SASL). A broker of its own, with a listener for it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { type KafkaBroker, startKafkaBroker } from '@stream-manager/testkit/stack/kafka-broker';
import { isPortFree, pickPort } from '@stream-manager/testkit/stack/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifySendError } from '../../src/failures/send-outcome.ts';
import type { KafkaPort } from '../../src/kafka/port.ts';
import { bothAdapters, type OpenPort } from './both-adapters.ts';

const password = 'a password that no log line may hold';
let dir: string;
let broker: KafkaBroker;
let loginPort: number;
const lines: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stream-manager-test-kafka-'));
  const taken = new Set<number>();
  const choose = async (): Promise<number> => {
    const port = await pickPort([], taken, isPortFree);
    taken.add(port);
    return port;
  };
  const [port, controllerPort] = [await choose(), await choose()];
  loginPort = await choose();
  const { KAFKA_BROKERS: _, ...env } = process.env;
  const plainListener = `PLAINTEXT://127.0.0.1:${port}`;
  const loginListener = `LOGIN://127.0.0.1:${loginPort}`;
  const loginModule = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  broker = await startKafkaBroker({
    dir,
    env,
    port,
    controllerPort,
    config: {
      listeners: `${plainListener},${loginListener},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `${plainListener},${loginListener}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.login.plain.sasl.jaas.config': `${loginModule} required user_sm="${password}";`,
    },
  });
}, 120_000);

afterAll(async () => {
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
});

const portWith = (open: OpenPort, given: string | null): KafkaPort => {
  const log = (fields: object, message: string): void => {
    lines.push(
      JSON.stringify({ message, fields }, (_key, value: unknown) =>
        value instanceof Error ? Object.assign({ message: value.message, stack: value.stack }, value) : value,
      ),
    );
  };
  return open({
    brokers: [`127.0.0.1:${loginPort}`],
    sasl: given === null ? null : { mechanism: 'plain', username: 'sm', password: given },
    logger: { debug: log, info: log, warn: log },
  });
};

describe.each(bothAdapters)('a cluster that asks for a login, with $client', ({ client, open }) => {
  it('is served with the right one', async () => {
    const port = portWith(open, password);
    const topic = `login-${client}`;
    const [admin, producer] = [port.createAdmin(), port.createProducer()];
    await admin.createTopics([{ topic, partitions: 1, replicationFactor: -1, config: {} }]);
    expect(await producer.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });
    expect(await admin.endOffsets(topic)).toEqual([{ partition: 0, low: 0n, high: 1n }]);
    await producer.close();
    await admin.close();
  });

  it.each([
    {
      name: 'a wrong one',
      given: `not ${password}`,
      codes: { kafkajs: 'KafkaJSSASLAuthenticationError', platformatic: 'SASL_AUTHENTICATION_FAILED' },
    },
    {
      name: 'none',
      given: null,
      codes: { kafkajs: 'KafkaJSConnectionClosedError', platformatic: 'PLT_KFK_NETWORK' },
    },
  ])('is an outage with $name: no record is to blame', async ({ given, codes }) => {
    const producer = portWith(open, given).createProducer();
    const { failures } = await producer.publish([outgoingRecord('login', 1)]);
    expect(failures.map(({ error }) => classifySendError(error))).toMatchObject([
      { outcome: 'outage', code: codes[client] },
    ]);
    expect(producer.isReachable()).toBe(false);
    await producer.close();
  });

  it('leaves no password in a log line', () => {
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes(password))).toEqual([]);
  });
});
