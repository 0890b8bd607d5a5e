// Sources of every type at once, in one fleet, while their providers do everything wrong that providers do: what was served
// is in Kafka, each record once and in its topic, and each row that is no record is one dead letter. Then the same with a
// poller killed in the middle.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import {
  type FaultName,
  type FaultSettings,
  faultNames,
  type RouteFaults,
  type RouteKind,
} from '@stream-manager/testkit/providers/faults';
import { randomOf, seedOf } from '@stream-manager/testkit/providers/random';
import type { LoggedRequest } from '@stream-manager/testkit/providers/request-log';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { openBroker } from '../../apps/poller-worker/test/intake/mqtt/broker.ts';
import { deviceTraffic } from './devices.ts';
import { everySource } from './every-source.ts';
import type { SystemProcess } from './launch.ts';
import { createRowSender } from './pushed-rows.ts';
import { createWorldClock } from './still-world.ts';
import { openSystem } from './system.ts';

const patient = { timeoutMs: 120_000, intervalMs: 100 };

/** All routes that a source of this system asks. */
const routes: readonly RouteKind[] = [
  'firms',
  'availability',
  'stations',
  'observations',
  'alerts',
  'forecasts',
  'purpleair',
  'airnow',
  'metar',
  'earthquakes',
  'readings',
  'buoys',
];
const faults = faultNames.filter((name) => name !== 'none');

/** Every fault once, in an order of the route's own, and then each of them now and then. */
const everyFault = (seed: number): FaultSettings =>
  Object.fromEntries(
    routes.map((route): readonly [RouteKind, RouteFaults] => [
      route,
      {
        next: shuffled(faults, seed, route),
        chance: Object.fromEntries(faults.map((name) => [name, 0.01])),
        retryAfterSeconds: 1,
        slowMs: 300,
        hugeBytes: 1_500_000,
      },
    ]),
  );

const shuffled = (names: readonly FaultName[], seed: number, route: string): readonly FaultName[] => {
  const random = randomOf(seedOf('order of faults', seed, route));
  return names
    .map((name) => [random.next(), name] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, name]) => name);
};

const isFaultDone = (requests: readonly LoggedRequest[], route: RouteKind): boolean => {
  const seen = new Set(requests.filter((request) => request.route === route).map(({ fault }) => fault));
  return faults.every((name) => seen.has(name));
};

/** What of a station's answers is one bad row each, although the provider broke no row: it is no observation at all. */
const unreadable: ReadonlySet<FaultName> = new Set(['html', 'empty', 'huge']);

const run = async (seed: number, { kill }: { readonly kill: boolean }) => {
  const clock = createWorldClock();
  await using broker = await openBroker();
  await using publisher = await broker.publisher();
  const startedAt = Date.now();
  const rows = createRowSender('pushed', startedAt - 3_600_000);
  const devices: ExpectedRecord[] = [];
  const malformed: string[] = [];
  await using system = await openSystem(
    await everySource({ brokerUrl: broker.server.url, sent: () => [...devices, ...rows.expected()] }),
    {
      redisUrl: inject('redisUrl'),
      kafkaBrokers: inject('kafkaBrokers'),
      providers: {
        seed,
        startAt: startedAt,
        worldNow: () => clock.now(),
        faults: everyFault(seed),
        stations: { count: 8, intervalSeconds: 20 },
        forecasts: { intervalSeconds: 20 },
        metar: { intervalSeconds: 30 },
        earthquakes: { intervalSeconds: 60, reviewSeconds: 20 },
        readings: { intervalSeconds: 2 },
        firms: { perMinute: 120 },
      },
      config: { polling: { maxResponseBytes: 1_000_000 } },
    },
  );
  const pollers: SystemProcess[] = [];
  const startPoller = async (): Promise<SystemProcess> => {
    const started = await system.start('poller-worker');
    pollers.push(started);
    return started;
  };
  await Promise.all([
    system.start('scheduler'),
    startPoller(),
    startPoller(),
    system.start('producer-worker'),
    system.start('producer-worker'),
  ]);
  const addresses = await Promise.all(pollers.map((poller) => poller.url()));
  const { providers } = system;
  // What devices publish before anybody has subscribed is nobody's.
  const { mqttSessions } = sourceKeys(system.keyPrefix, 'devices');
  await waitUntil('the sessions', async () => (await system.redis.hlen(mqttSessions)) === 4, patient);

  /** Devices publish and senders push, a part after each so many answers of the providers. */
  const send = async (batches: number): Promise<void> => {
    for (let batch = 0; batch < batches; batch += 1) {
      const before = providers.ledger.counts().rowsSent;
      // A reading without a time that is delivered again after a kill may be taken for another one (docs/mqtt.md).
      const traffic = deviceTraffic(devices.length, 100, startedAt, { isTimed: kill });
      devices.push(...traffic.expected);
      malformed.push(...traffic.malformed);
      await Promise.all([publisher.publish(traffic.messages), rows.send(40, () => addresses)]);
      await waitUntil('more to be served', () => providers.ledger.counts().rowsSent > before + 500, patient);
    }
  };
  await send(6);
  if (kill) {
    // A reading that is replaced before it is admitted does not come again: so nothing new happens around the kill.
    clock.freeze();
    const doomed = pollers[0]!;
    const sending = send(6);
    await waitUntil('the middle', () => devices.length >= 900, patient);
    await doomed.end('SIGKILL');
    addresses.splice(0, 1);
    addresses.push(await (await startPoller()).url());
    await sending;
  } else await send(6);

  for (const route of routes)
    await waitUntil(`every fault of ${route}`, () => isFaultDone(providers.requests(), route), patient);
  const api = await system.api();
  const polled = (streams: readonly StreamAnswer[]) => streams.filter(({ type }) => type !== 'mqtt' && type !== 'push');
  const healthy = new Set(['ok', 'not_modified', 'cached']);
  providers.setFaults({});
  const healedAt = Date.now();
  const streams = async () => (await api.streams()).streams;
  const cleanSince = (since: number) => async (): Promise<boolean> =>
    polled(await streams()).every(
      ({ lastPoll }) =>
        lastPoll !== null && healthy.has(lastPoll.outcome) && Date.parse(lastPoll.at) - lastPoll.durationMs > since,
    );
  await waitUntil('a clean round', cleanSince(healedAt), patient);
  if (kill) {
    // Nothing new has come since the kill: now all goes on.
    clock.release();
    await waitUntil('another clean round', cleanSince(Date.now()), patient);
  }
  clock.freeze();
  await waitUntil('a clean round of what is there', cleanSince(Date.now()), patient);
  await waitUntil(
    'all readings of the devices',
    async () => (await streams()).find(({ id }) => id === 'devices')!.published >= devices.length,
    patient,
  );
  await system.drain();

  const comparison = await system.compare();
  const letters = await system.letters();
  const known = new Set([...providers.ledger.malformed().map(({ raw }) => raw), ...malformed, ...rows.malformed()]);
  const requests = providers.requests();
  const unreadableAnswers = new Set(
    requests
      .filter(({ route, status, fault }) => route === 'observations' && status === 200 && unreadable.has(fault))
      .map(({ path, fault }) => `${path} ${fault}`),
  );
  return {
    comparison,
    /** By source and text; the same text of two devices has two topics in it. */
    letters: letters.filter(({ raw }) => known.has(raw ?? '')).map(({ sourceId, raw }) => `${sourceId} ${raw}`),
    letteredRows: new Set(letters.flatMap(({ raw }) => (raw !== null && known.has(raw) ? [raw] : []))),
    brokenRows: known,
    otherLetters: letters.filter(({ raw }) => !known.has(raw ?? '')),
    unreadableAnswers,
    pushAnswers: rows.answers(),
  };
};

describe('sources of every type at once, with every fault of their providers', () => {
  it.each<{ name: string; seed: number; kill: boolean }>([
    {
      name: 'all that was served is stored once, in its topic, and each bad row is one dead letter',
      seed: 7,
      kill: false,
    },
    { name: 'the same when a poller is killed in the middle', seed: 8, kill: true },
  ])('$name', async ({ seed, kill }) => {
    const found = await run(seed, { kill });
    expect(found.comparison.isExact, formatComparison(found.comparison)).toBe(true);
    for (const { served, topic } of found.comparison.topics) expect(served, topic).toBeGreaterThan(4);
    // Each source tells of a row once, and no row is left out.
    expect(found.letters.length).toBe(new Set(found.letters).size);
    expect(found.letteredRows).toEqual(found.brokenRows);
    expect(found.otherLetters.map(({ sourceId }) => sourceId)).toEqual(
      Array.from({ length: found.unreadableAnswers.size }, () => 'stations'),
    );
    expect(found.pushAnswers.at(-1)).toBe(202);
  });
});
