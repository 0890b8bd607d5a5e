// A drill of MQTT: devices publish all the time, while pollers are killed and the broker is started again.
import { setTimeout as pause } from 'node:timers/promises';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { openBroker, type TestBroker } from '../../apps/poller-worker/test/intake/mqtt/broker.ts';
import { deviceTopics, deviceTraffic } from '../e2e/devices.ts';
import type { Drill } from './drill.ts';
import type { Ground } from './ground.ts';
import { basePriorities, type Load } from './load.ts';

interface Scale {
  readonly messages: number;
  /** After so many of them something is harmed, in turn: a poller, the broker, the other poller. */
  readonly harmEvery: number;
}

const sourceId = 'devices';

/** Sessions that are connected and subscribed now, over all pollers. */
const connectedSessions = async ({ fleet }: Ground): Promise<number> => {
  let sum = 0;
  for (const place of ['poller-1', 'poller-2'] as const) {
    const metrics = await (await fetch(`${await fleet.at(place).url()}/metrics`)).text();
    sum += Number(/^stream_manager_intake_sessions\{[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
  }
  return sum;
};

const mqttDrill = (name: string, scale: Scale): Drill => {
  let broker: TestBroker | null = null;
  const expected: ExpectedRecord[] = [];
  let malformed = 0;

  const startLoad = async (): Promise<Load> => {
    const opened = await openBroker();
    broker = opened;
    const providers = await startProviders();
    return {
      // The account is of what the devices have published.
      providers: {
        ...providers,
        ledger: { ...providers.ledger, served: () => expected, offered: () => [] },
        stop: async () => {
          await providers.stop();
          await opened[Symbol.asyncDispose]();
        },
      },
      startedAt: Date.now(),
      sourceIds: [sourceId],
      sources: (topics) => ({
        [sourceId]: {
          type: 'mqtt',
          topic: topics.device,
          priority: basePriorities.device,
          params: { url: opened.server.url, topics: deviceTopics },
        },
      }),
      ownTopic: () => null,
      priorities: basePriorities,
      leap: () => {},
      stopClock: () => {},
    };
  };

  return {
    name,
    title: `devices publish ${scale.messages.toLocaleString('en-US')} messages over MQTT: SIGKILL of one poller after the other, and the broker started again between them, under load`,
    plan: { load: startLoad },
    warmUp: 0,
    harm: async (ground) => {
      if (broker === null) throw new Error('the broker was not started');
      const { server } = broker;
      const { mqttSessions } = sourceKeys(ground.keyPrefix, sourceId);
      await waitUntil('the sessions', async () => (await ground.redis.hlen(mqttSessions)) === 4, { timeoutMs: 60_000 });
      await using publisher = await broker.publisher();
      const sentAtMs = Date.now();
      const kill = (place: 'poller-1' | 'poller-2') => async (): Promise<void> => {
        await ground.fleet.kill(place);
        ground.fleet.start(place);
      };
      // Nothing is published until the sessions are back: mosquitto 2.0.11 forgets shared subscriptions when it is started
      // again, and throws away what comes before they are made anew. What it has not been thanked for it gives again.
      const restart = async (): Promise<void> => {
        await server.kill('SIGTERM');
        await pause(1_000);
        await server.start();
        await waitUntil('the sessions to be back', async () => (await connectedSessions(ground)) === 4, {
          timeoutMs: 60_000,
          intervalMs: 100,
        });
      };
      const harms = [kill('poller-1'), restart, kill('poller-2')];
      let harming: Promise<void> = Promise.resolve();
      let harmed = 0;
      for (let first = 0; first < scale.messages; first += 500) {
        const traffic = deviceTraffic(first, 500, sentAtMs, { isTimed: true });
        expected.push(...traffic.expected);
        malformed += traffic.malformed.length;
        if (first > 0 && first % scale.harmEvery === 0) {
          await harming;
          const harm = harms[harmed % harms.length] ?? restart;
          harming = harm();
          harmed += 1;
          if (harm === restart) await harming;
        }
        // A broker that comes back gets again what it has not acknowledged: every message comes to it at least once.
        await publisher.publish(traffic.messages, 50);
      }
      await harming;
      ground.progress.healed();
      await waitUntil(
        'all messages to be published',
        async () => (await ground.progress.published()) >= expected.length,
        { timeoutMs: 120_000, intervalMs: 100 },
      );
      return {
        doubled: 0,
        problems: harmed < harms.length ? [`only ${harmed} of ${harms.length} harms were done`] : [],
        judgeLetters: (letters) =>
          letters.length === malformed
            ? []
            : [`${letters.length} dead letters, ${malformed} messages were no readings`],
        note: `${harmed} harms; ${malformed} messages that are no readings, each one dead letter`,
      };
    },
  };
};

export const deviceDrills: readonly Drill[] = [mqttDrill('mqtt-kill', { messages: 40_000, harmEvery: 5_000 })];

/** The short form for `npm test`. */
export const shortMqtt: Drill = mqttDrill('mqtt-kill-short', { messages: 8_000, harmEvery: 2_000 });
