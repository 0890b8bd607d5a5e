// Messages are neither lost nor doubled, whatever is killed at whatever instant: exact accounting with a real broker.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { startRedisServer } from '@stream-manager/testkit/stack/redis-server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { type PollerBundle, sourceId } from '../../poller-bundle.ts';
import { startChild } from '../child-worker.ts';
import { openBroker, timedMessages } from './broker.ts';
import {
  childConfig,
  openMqttBundle,
  patient,
  startWorker,
  untilAcknowledged,
  untilConnected,
  untilHeld,
  upTo,
  valuesOf,
} from './mqtt-bundle.ts';

/** Sessions that are known to be at the broker, with their subscriptions. */
const sessionsOf = (poller: PollerBundle): Promise<number> =>
  poller.redis.hlen(sourceKeys(poller.keyPrefix, sourceId).mqttSessions);

/** The gauge, without waiting for those that read Redis. */
const unacknowledgedNow = async (poller: PollerBundle): Promise<number> => {
  for (const read of poller.metrics.beforeScrape) void read();
  const { values } = await poller.metrics.intakeUnacknowledged.get();
  return values[0]?.value ?? 0;
};

describe('a worker that is killed', () => {
  it.each([
    { name: 'between admission and PUBACK', fatal: ['acknowledge', 300] },
    { name: 'when the first record is admitted', fatal: ['acknowledge', 1] },
    { name: 'before admission', fatal: ['message', 500] },
  ] as const)(
    '$name: another one goes on with its sessions, nothing is missing or doubled',
    async ({ fatal }) => {
      await using broker = await openBroker();
      await using poller = await openMqttBundle(broker.server.url);
      const config = childConfig(poller, broker.server.url);
      // A first life makes the sessions, so that from the first message on somebody waits for it.
      await using first = await startChild(config);
      await waitUntil('the sessions', async () => (await sessionsOf(poller)) === 4, patient);
      await first.kill();
      const doomed = await startChild(config, fatal);
      await using publisher = await broker.publisher();
      await publisher.publish(timedMessages(0, 2_000));
      await doomed.ended;
      await publisher.publish(timedMessages(2_000, 500));
      await using _next = await startChild(config);
      await untilHeld(poller, 2_500);
      expect(await valuesOf(poller)).toEqual(upTo(2_500));
      expect(await doomed.ended).toBe('SIGKILL');
    },
    180_000,
  );

  it('doubles of readings without a time no more than was being acknowledged, and loses none', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    const config = childConfig(poller, broker.server.url);
    await using first = await startChild(config);
    await waitUntil('the sessions', async () => (await sessionsOf(poller)) === 4, patient);
    await first.kill();
    await using publisher = await broker.publisher();
    await publisher.publish(
      upTo(1_000).map((value) => ({ topic: `sensors/d${value % 9}/temperature`, payload: String(value) })),
    );
    // While records are being admitted: what is kept of them has them known again.
    for (const fatal of [
      ['message', 150],
      ['message', 400],
    ] as const)
      await (await startChild(config, fatal)).ended;
    const killed = await startChild(config, ['acknowledge', 50]);
    await killed.ended;
    await using _next = await startChild(config);
    await waitUntil('all values', async () => new Set(await valuesOf(poller)).size === 1_000, patient);
    const values = await valuesOf(poller);
    expect([...new Set(values)]).toEqual(upTo(1_000));
    // At each kill one group of each session at most was between being in and being acknowledged.
    expect(values.length).toBeLessThanOrEqual(1_000 + 3 * 4 * 100);
  }, 180_000);

  it('leaves its share to the one that lives, within the time of a lease', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    await using _one = await startWorker(poller);
    await untilConnected(poller, 4);
    await using other = await startChild(childConfig(poller, broker.server.url));
    await untilConnected(poller, 2);
    await using publisher = await broker.publisher();
    const publishing = publisher.publish(timedMessages(0, 6_000), 100);
    await untilHeld(poller, 2_000);
    const accepted = await poller.value('records_accepted_total');
    // Each of the two has taken a good part.
    expect(accepted).toBeGreaterThan(300);
    expect(accepted).toBeLessThan(2_000);
    await other.kill();
    await publishing;
    await untilConnected(poller, 4);
    await untilHeld(poller, 6_000);
    await untilAcknowledged(poller);
    expect(await valuesOf(poller)).toEqual(upTo(6_000));
  }, 180_000);
});

describe('a broker that is killed and started again', () => {
  it('gives again what was not acknowledged, and nothing is missing or doubled', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url, { params: { sessions: 1 } });
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 1);
    await using publisher = await broker.publisher();
    // mqtt.js sends again what was not acknowledged, so every message comes to the broker at least once.
    const publishing = publisher.publish(timedMessages(0, 5_000), 100);
    await untilHeld(poller, 1_000);
    await broker.server.kill('SIGTERM');
    await waitUntil('the broker to be down', async () => (await poller.value('intake_sessions')) === 0, patient);
    await broker.server.start();
    await publishing;
    await untilConnected(poller, 1);
    await untilHeld(poller, 5_000);
    await untilAcknowledged(poller);
    expect(await valuesOf(poller)).toEqual(upTo(5_000));
  }, 180_000);

  it('is subscribed again, also where it keeps the session and forgets that it was shared', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 4);
    await broker.server.kill('SIGTERM');
    await waitUntil('the broker to be down', async () => (await poller.value('intake_sessions')) === 0, patient);
    await broker.server.start();
    await untilConnected(poller, 4);
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 500));
    await untilHeld(poller, 500);
    expect(await valuesOf(poller)).toEqual(upTo(500));
  }, 180_000);
});

describe('a Redis that is away for a while', () => {
  it('has messages wait at the broker, unacknowledged, and then all of them go in', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redis-'));
    const redis = await startRedisServer({ dir });
    try {
      await using broker = await openBroker();
      await using poller = await openMqttBundle(broker.server.url, {
        redisUrl: redis.url,
        params: { receiveMaximum: 50 },
      });
      await using _worker = await startWorker(poller);
      await untilConnected(poller, 4);
      await using publisher = await broker.publisher();
      const publishing = publisher.publish(timedMessages(0, 5_000), 100);
      await untilHeld(poller, 1_000);
      await redis.kill('SIGKILL');
      await publishing;
      const waiting = await unacknowledgedNow(poller);
      await redis.start();
      expect(waiting).toBeGreaterThan(0);
      // What the broker may send over all sessions; mosquitto sends one or two more.
      expect(waiting).toBeLessThan(2 * 4 * 50);
      await untilHeld(poller, 5_000);
      await untilAcknowledged(poller);
      expect(await valuesOf(poller)).toEqual(upTo(5_000));
    } finally {
      await redis.stop();
      await rm(dir, { recursive: true, force: true });
    }
  }, 180_000);
});
