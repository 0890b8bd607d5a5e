// What every test with a broker starts with: a mosquitto of its own, and a publisher that knows what the broker has taken.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type MosquittoOptions,
  type MosquittoServer,
  startMosquitto,
} from '@stream-manager/testkit/stack/mosquitto-server';
import mqtt from 'mqtt';

interface Publisher extends AsyncDisposable {
  /** Publishes with QoS 1, `atOnce` at a time; resolves when the broker has taken all. */
  publish(
    messages: readonly { readonly topic: string; readonly payload: string | Buffer }[],
    atOnce?: number,
    options?: { readonly qos?: 0 | 1; readonly retain?: boolean },
  ): Promise<void>;
}

export interface TestBroker extends AsyncDisposable {
  readonly server: MosquittoServer;
  readonly dir: string;
  publisher(): Promise<Publisher>;
}

/** Starts a broker. */
export const openBroker = async (options: Omit<MosquittoOptions, 'dir'> = {}): Promise<TestBroker> => {
  const dir = await mkdtemp(join(tmpdir(), 'broker-'));
  const server = await startMosquitto({ dir, ...options });
  return {
    server,
    dir,
    publisher: () => openPublisher(server.url),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
};

const openPublisher = async (url: string): Promise<Publisher> => {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 200 });
  return {
    publish: async (messages, atOnce = 200, { qos = 1, retain = false } = {}) => {
      for (let from = 0; from < messages.length; from += atOnce) {
        const part = messages.slice(from, from + atOnce);
        await Promise.all(part.map(({ topic, payload }) => client.publishAsync(topic, payload, { qos, retain })));
      }
    },
    [Symbol.asyncDispose]: async () => client.endAsync(true),
  };
};

const firstMs = Date.UTC(2026, 0, 4, 9);

/** Reading number `index`, with a time of its own, of one of 50 devices. */
const timedMessage = (index: number): { readonly topic: string; readonly payload: string } => ({
  topic: `sensors/d${index % 50}/temperature`,
  payload: JSON.stringify({ timestamp: new Date(firstMs + index * 1000).toISOString(), value: index, unit: 'C' }),
});

/** Messages `first` … `first + count - 1`. */
export const timedMessages = (first: number, count: number) =>
  Array.from({ length: count }, (_value, index) => timedMessage(first + index));
