import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { openMqttLink } from '../../src/intake/mqtt/link.ts';
import { listenAtBroker } from '../../src/preview/listen-at-broker.ts';
import { openBroker } from '../intake/mqtt/broker.ts';

const setup = async () => {
  const broker = await openBroker();
  const path = join(broker.dir, 'stream.yaml');
  const listen = async (signal: AbortSignal, listenMs = 120_000) => {
    await writeFile(
      path,
      `sources:
  devices:
    type: mqtt
    params: { url: '${broker.server.url}', topics: [sensors/+/temperature, sensors/#], clientId: real }
`,
    );
    const { config } = await loadConfig({ path, env: {}, cwd: broker.dir, secrets: 'optional' });
    return listenAtBroker({ config, sourceId: 'devices', listenMs, signal });
  };
  return { broker, listen, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
};

const reading = (value: unknown) => ({
  topic: 'sensors/d1/temperature',
  payload: JSON.stringify({ timestamp: '2026-01-04T09:00:00Z', value, unit: 'C' }),
});

describe('a look at a source of type mqtt', () => {
  it('shows what comes, and takes nothing from the sessions of the workers', async () => {
    await using bundle = await setup();
    await using publisher = await bundle.broker.publisher();
    const real: string[] = [];
    const worker = await openMqttLink({
      url: bundle.broker.server.url,
      clientId: 'real-0',
      protocolVersion: 5,
      keepaliveSeconds: 60,
      sessionExpirySeconds: 600,
      receiveMaximum: 100,
      connectTimeoutMs: 30_000,
      signal: new AbortController().signal,
      onMessage: ({ payload, packetId }) => {
        real.push(payload.toString());
        if (packetId !== null) worker.acknowledge(packetId);
        return undefined;
      },
    });
    await worker.subscribe(['$share/real/sensors/#'], 1);
    const over = new AbortController();
    const listening = bundle.listen(over.signal);
    // Published until it has been heard: when the session has subscribed is not to be seen from outside.
    let sent = 0;
    await waitUntil(
      'enough messages',
      async () => {
        await publisher.publish([reading(sent), { topic: 'sensors/d2/temperature', payload: 'warm' }]);
        sent += 2;
        return sent > 450;
      },
      { timeoutMs: 60_000, intervalMs: 1 },
    );
    over.abort();
    const { messages, preview, filters, refused, clientId } = await listening;
    expect(filters).toEqual(['sensors/#']);
    expect(refused).toEqual([]);
    expect(clientId).toMatch(/^streamctl-/);
    expect(messages).toHaveLength(200);
    expect(preview.invalid).toHaveLength(1);
    expect(preview.records[0]).toMatchObject({ key: 'd1', value: { data: { temperatureC: expect.any(Number) } } });
    await waitUntil('all messages at the worker', () => real.length === sent, { timeoutMs: 60_000 });
    await worker.close();
  });

  it('ends when its time is over, though nothing came', async () => {
    await using bundle = await setup();
    const { messages, preview } = await bundle.listen(new AbortController().signal, 1);
    expect(messages).toEqual([]);
    expect(preview).toMatchObject({ records: [], error: null });
  });

  it('says in a sentence that there is no broker', async () => {
    await using bundle = await setup();
    await bundle.broker.server.stop();
    await expect(bundle.listen(new AbortController().signal, 1)).rejects.toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining('no connection to the broker at 127.0.0.1'),
    });
  });
});
