// What link.ts uses of the inside of mqtt.js still is as it was: an error to `handleMessage`'s callback has the next message
// come and no PUBACK sent, and `_sendPacket` sends one later.
import { createRequire } from 'node:module';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { type Delivery, type Link, type LinkOptions, openMqttLink } from '../../../src/intake/mqtt/link.ts';
import { openBroker } from './broker.ts';

const patient = { timeoutMs: 60_000 };
const never = new AbortController().signal;

const optionsOf = (url: string, onMessage: LinkOptions['onMessage'], protocolVersion: 4 | 5 = 5): LinkOptions => ({
  url,
  clientId: 'one',
  protocolVersion,
  keepaliveSeconds: 60,
  sessionExpirySeconds: 600,
  receiveMaximum: 10,
  connectTimeoutMs: 30_000,
  signal: never,
  onMessage,
});

/** Opens a link that keeps what comes. */
const openKeeping = async (url: string, protocolVersion: 4 | 5 = 5) => {
  const kept: Delivery[] = [];
  const link: Link = await openMqttLink(optionsOf(url, (delivery) => void kept.push(delivery), protocolVersion));
  return {
    link,
    kept,
    untilKept: (count: number) => waitUntil(`${count} messages`, () => kept.length >= count, patient),
  };
};

describe('a link to a broker', () => {
  it('is made with the version of mqtt.js whose inside was looked at', () => {
    const { version } = createRequire(import.meta.url)('mqtt/package.json');
    expect(version).toBe('5.16.0');
  });

  it.each([4, 5] as const)(
    'of MQTT version %i gets messages while none is acknowledged, and again what was not',
    async (version) => {
      await using broker = await openBroker({ settings: ['max_inflight_messages 10'] });
      await using publisher = await broker.publisher();
      const { link, kept, untilKept } = await openKeeping(broker.server.url, version);
      expect(link.isSessionPresent).toBe(false);
      expect(await link.subscribe(['t/+'], 1)).toEqual([]);
      await publisher.publish(
        Array.from({ length: 25 }, (_value, index) => ({ topic: 't/x', payload: String(index) })),
      );
      // As many as may be unacknowledged, and no more.
      await untilKept(10);
      for (const { packetId } of kept.slice(0, 4)) link.acknowledge(packetId!);
      await untilKept(14);
      await link.close();
      // After the end it must not count for another connection.
      link.acknowledge(kept[4]!.packetId!);
      expect(await link.closed).toBeNull();

      const next = await openKeeping(broker.server.url, version);
      expect(next.link.isSessionPresent).toBe(true);
      await next.untilKept(10);
      const again = next.kept.filter((delivery) => delivery.isAgain).map(({ payload }) => Number(payload));
      expect(again.slice(0, 8)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
      expect(next.kept[0]!.packetId).toBe(kept[4]!.packetId);
      for (let done = 0; done < 21; done += 1) {
        await next.untilKept(done + 1);
        next.link.acknowledge(next.kept[done]!.packetId!);
      }
      expect(next.kept.map(({ payload }) => Number(payload))).toEqual(
        Array.from({ length: 21 }, (_value, index) => index + 4),
      );
      await next.link.close();
    },
  );

  it('reads nothing more while a message is held', async () => {
    await using broker = await openBroker();
    await using publisher = await broker.publisher();
    const gate = Promise.withResolvers<void>();
    const kept: Delivery[] = [];
    const link = await openMqttLink(
      optionsOf(broker.server.url, (delivery) => {
        kept.push(delivery);
        return kept.length === 1 ? gate.promise : undefined;
      }),
    );
    await link.subscribe(['t'], 0);
    await publisher.publish(Array.from({ length: 5 }, () => ({ topic: 't', payload: 'x' })));
    await waitUntil('the first message', () => kept.length > 0, patient);
    // The broker has sent those before by the time it has taken this one.
    await publisher.publish([{ topic: 't', payload: 'x' }]);
    expect(kept).toHaveLength(1);
    gate.resolve();
    await waitUntil('the others', () => kept.length === 6, patient);
    expect(kept.map(({ packetId }) => packetId)).toEqual([null, null, null, null, null, null]);
    await link.close();
  });

  it('tells why it ended, and what the broker refuses', async () => {
    await using broker = await openBroker();
    const first = await openKeeping(broker.server.url);
    const second = await openKeeping(broker.server.url);
    // Another one came under its name.
    expect(await first.link.closed).toMatch(/closed|reason 142/);
    await broker.server.kill('SIGKILL');
    expect(await second.link.closed).toMatch(/closed|ECONNRESET/);
    second.link.acknowledge(1);
    await second.link.close();
  });
});
