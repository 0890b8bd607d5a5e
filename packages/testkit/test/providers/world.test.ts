import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { type FirmsDataset, firmsDatasets } from '@stream-manager/testkit/providers/fires';
import { createWorld, type Truth, type World, type WorldOptions } from '@stream-manager/testkit/providers/world';
import { describe, expect, it } from 'vitest';
import { startAt } from './provider-fixture.ts';

const datasets = Object.keys(firmsDatasets) as FirmsDataset[];
const minute = 60_000;

const truthsAt = (world: World, clockMs: number): Truth[] => {
  const atMs = world.timeAt(clockMs);
  return [
    ...datasets.flatMap((dataset) => world.fires.visible(dataset, atMs)),
    ...world.stations.all.flatMap((station) => world.stations.latest(station.id, atMs) ?? []),
    ...world.alerts.active(atMs),
    ...world.airSensors.latest(atMs).map((reading) => ({
      kind: 'purpleair' as const,
      naturalKey: reading.naturalKey,
      reading,
      fields: new Set(['name', 'last_seen', 'latitude', 'longitude', 'altitude', 'temperature', 'pressure']),
    })),
  ];
};
const contents = (options: WorldOptions, clockMs: number) =>
  truthsAt(createWorld(options), clockMs).map(expectedContent);
const keysOver = (options: WorldOptions, minutes: number): Set<string> => {
  const world = createWorld(options);
  const keys = new Set<string>();
  for (let seconds = 0; seconds <= minutes * 60; seconds += 5)
    for (const truth of truthsAt(world, options.startAt + seconds * 1000)) keys.add(truth.naturalKey);
  return keys;
};

describe('the simulated world', () => {
  it.each([0, 1, 37, 600])('is the same for the same seed, start and time, %i s after the start', (seconds) => {
    const clockMs = startAt + seconds * 1000;
    const first = contents({ seed: 3, startAt }, clockMs);
    expect(contents({ seed: 3, startAt }, clockMs)).toEqual(first);
    expect(first.length).toBeGreaterThan(datasets.length * 200);
  });

  it('does not depend on when it was looked at before', () => {
    const world = createWorld({ seed: 3, startAt });
    for (const seconds of [900, 20, 0, 400]) truthsAt(world, startAt + seconds * 1000);
    expect(truthsAt(world, startAt + 300_000).map(expectedContent)).toEqual(
      contents({ seed: 3, startAt }, startAt + 300_000),
    );
  });

  it.each([
    { name: 'another seed', other: { seed: 4, startAt } },
    { name: 'a start one millisecond later', other: { seed: 3, startAt: startAt + 1 } },
    { name: 'a start two minutes later', other: { seed: 3, startAt: startAt + 2 * minute } },
  ])('shares no natural key with a world of $name', ({ other }) => {
    const mine = keysOver({ seed: 3, startAt }, 5);
    const theirs = keysOver(other, 5);
    expect(mine.size).toBeGreaterThan(3000);
    expect([...mine].filter((key) => theirs.has(key))).toEqual([]);
  });

  it('holds nothing older than its start, but for fires by a few hours, and nothing from the future', () => {
    const world = createWorld({ seed: 9, startAt });
    for (const seconds of [0, 5, 61, 3600]) {
      const now = startAt + seconds * 1000;
      for (const truth of truthsAt(world, now)) {
        const { eventTimeMs } = expectedContent(truth);
        expect(eventTimeMs).toBeLessThanOrEqual(now);
        expect(eventTimeMs).toBeGreaterThan(truth.kind === 'firms' ? startAt - 3 * 60 * minute : startAt - 1000);
      }
    }
  });

  it('stands still when it is static', () => {
    const options = { seed: 3, startAt, static: true };
    expect(contents(options, startAt + 3_600_000)).toEqual(contents(options, startAt));
  });
});

describe('fires', () => {
  const visible = (options: WorldOptions['firms'], seconds: number, at = startAt) =>
    createWorld({ seed: 3, startAt: at, ...(options ? { firms: options } : {}) }).fires.visible(
      'VIIRS_SNPP_NRT',
      at + seconds * 1000,
    );

  it('grow from the backlog at the rate asked for, and never lose a row', () => {
    const rate = { backlog: 30, perMinute: 120 };
    const later = visible(rate, 60);
    expect(visible(rate, 0)).toHaveLength(30);
    expect(later).toHaveLength(150);
    expect(later.slice(0, 30)).toEqual(visible(rate, 0));
  });

  it('have a rate of their own per dataset', () => {
    const options = { backlog: 5, perMinute: 0, datasets: { MODIS_NRT: { backlog: 9 } } };
    const { fires } = createWorld({ seed: 1, startAt, firms: options });
    expect(fires.visible('MODIS_NRT', startAt + minute)).toHaveLength(9);
    expect(fires.visible('VIIRS_SNPP_NRT', startAt + minute)).toHaveLength(5);
  });

  it('come late and out of order: rows that appear later are often older', () => {
    const times = visible({ backlog: 0, perMinute: 60 }, 600).map((fire) => fire.acquiredAtMs);
    const older = times.filter((time, at) => time < Math.max(...times.slice(0, at)));
    expect(older.length).toBeGreaterThan(times.length / 2);
    expect(times.some((time) => time < startAt)).toBe(true);
  });

  it('are of the day on which they appear, so that a request for one day sees them just after midnight', () => {
    const midnight = Date.UTC(2025, 0, 5, 0, 3);
    expect(visible({ backlog: 100 }, 0, midnight).every((fire) => fire.acquiredAtMs >= Date.UTC(2025, 0, 5))).toBe(
      true,
    );
    const across = visible({ backlog: 100, acrossMidnight: true }, 0, midnight);
    expect(across.some((fire) => fire.acquiredAtMs < Date.UTC(2025, 0, 5))).toBe(true);
  });

  it('never lie exactly between two tenths of a degree, and no two in one place', () => {
    const fires = visible({ backlog: 20_000 }, 0);
    const hundredThousandths = (degrees: number) => Math.round(Math.abs(degrees) * 1e5) % 10_000;
    expect(fires.some((fire) => [fire.latitude, fire.longitude].map(hundredThousandths).includes(5000))).toBe(false);
    expect(new Set(fires.map((fire) => `${fire.latitude} ${fire.longitude}`)).size).toBe(20_000);
  });

  it('in bulk are exactly as many as asked for, all new each period, or the same for ever', () => {
    const keys = (bulk: { rows: number; everySeconds?: number }, seconds: number) =>
      visible({ bulk }, seconds).map((fire) => fire.naturalKey);
    const period = { rows: 500, everySeconds: 10 };
    expect(keys(period, 9)).toEqual(keys(period, 0));
    expect(new Set([...keys(period, 0), ...keys(period, 10), ...keys(period, 25)]).size).toBe(1500);
    expect(keys({ rows: 500 }, 1e6)).toEqual(keys({ rows: 500 }, 0));
  });

  it('include critical ones: high confidence above 100 MW', () => {
    const strong = visible({ backlog: 1000 }, 0).filter(
      (fire) => fire.confidenceClass === 'high' && (fire.frpMw ?? 0) > 100,
    );
    expect(strong.length).toBeGreaterThan(5);
  });
});

describe('stations and sensors', () => {
  it('observe at the start and then each interval, each station at its own second', () => {
    const world = createWorld({ seed: 3, startAt, stations: { count: 30, intervalSeconds: 20 } });
    const [station] = world.stations.all;
    const times = new Set<number>();
    for (let second = 0; second < 200; second += 1)
      times.add(world.stations.latest(station!.id, startAt + second * 1000)!.observedAtMs);
    const [, ...later] = [...times];
    expect(times.size).toBeGreaterThanOrEqual(10);
    expect(new Set(later.slice(1).map((time, at) => time - later[at]!))).toEqual(new Set([20_000]));
    const seconds = world.stations.all.map(({ id }) => world.stations.latest(id, startAt + 100_000)!.observedAtMs);
    expect(new Set(seconds).size).toBeGreaterThan(5);
  });

  it('leave out measurements at about the share asked for', () => {
    const world = createWorld({ seed: 3, startAt, stations: { count: 400, nullShare: 0.25 } });
    const nulls = world.stations.all.filter(
      ({ id }) => world.stations.latest(id, startAt)!.measured.temperatureC === null,
    );
    expect(nulls.length / 400).toBeGreaterThan(0.15);
    expect(nulls.length / 400).toBeLessThan(0.35);
  });

  it('can have the ids that the caller names', () => {
    const world = createWorld({ seed: 3, startAt, stations: { ids: ['KLAX', 'KSFO'] } });
    expect(world.stations.all.map(({ id }) => id)).toEqual(['KLAX', 'KSFO']);
    expect(world.stations.latest('KSEA', startAt)).toBeNull();
  });
});

describe('alerts', () => {
  const over = (minutes: number) => {
    const world = createWorld({ seed: 3, startAt, alerts: { backlog: 3, perMinute: 30, lifetimeSeconds: 60 } });
    return Array.from({ length: minutes * 60 }, (_, second) => world.alerts.active(startAt + second * 1000));
  };

  it('come as Alert, Update and Cancel, and refer to all earlier messages, the first one first', () => {
    const messages = new Map(
      over(10)
        .flat()
        .map((alert) => [alert.alertId, alert]),
    );
    const types = new Set([...messages.values()].map((alert) => alert.messageType));
    expect(types).toEqual(new Set(['Alert', 'Update', 'Cancel']));
    for (const { messageType, earlier, sentAtMs } of messages.values()) {
      expect(earlier.length > 0).toBe(messageType !== 'Alert');
      const times = earlier.map((message) => message.sentAtMs);
      expect([...times, sentAtMs]).toEqual([...times, sentAtMs].sort((one, other) => one - other));
      const first = earlier[0] === undefined ? messageType : messages.get(earlier[0].alertId)?.messageType;
      expect(first).toBe('Alert');
    }
  });

  it('are replaced by the next of their chain: a chain has at most one active message', () => {
    for (const active of over(3)) {
      const chains = active.map((alert) => alert.earlier[0]?.alertId ?? alert.alertId);
      expect(new Set(chains).size).toBe(chains.length);
    }
  });

  it('keep coming and going away', () => {
    const seen = over(10);
    expect(seen[0]!.length).toBe(3);
    expect(seen.at(-1)!.length).toBeGreaterThan(5);
    expect(seen.at(-1)!.some((alert) => seen[0]!.some((old) => old.alertId === alert.alertId))).toBe(false);
    expect(new Set(seen.flat().map((alert) => alert.severity)).has('Extreme')).toBe(true);
  });
});
