import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { describe, expect, it } from 'vitest';
import { json, type ProviderFixture, setup, startAt } from './provider-fixture.ts';

interface Measured {
  readonly unitCode: string;
  readonly value: number | null;
  readonly qualityControl?: string;
}
interface Properties extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly stationIdentifier: string;
  readonly timestamp: string;
  readonly rawMessage: string;
  readonly elevation: { readonly value: number };
  readonly temperature: { readonly qualityControl: string };
  readonly messageType: string;
  readonly sent: string;
  readonly effective: string;
  readonly onset: string | null;
  readonly expires: string;
  readonly ends: string | null;
}
interface Feature {
  readonly id: string;
  readonly type: string;
  readonly geometry: { readonly type: string; readonly coordinates: number[] } | null;
  readonly properties: Properties;
}
interface Collection {
  readonly type: string;
  readonly features: readonly Feature[];
  readonly pagination?: { readonly next: string };
}

/** Null, or a number that unit conversion may have moved in its last bits. */
const near = (value: number | null, factor: number): unknown =>
  value === null ? null : expect.closeTo(value * factor, 9);
const observations = async (providers: ProviderFixture): Promise<{ feature: Feature; record: ExpectedRecord }[]> => {
  const features: Feature[] = [];
  for (const { id } of providers.world.stations.all)
    features.push(json(await providers.get(`/stations/${id}/observations/latest`)));
  const served = providers.ledger.served();
  expect(served).toHaveLength(features.length);
  return features.map((feature, at) => ({ feature, record: served[at]! }));
};

describe('all NWS routes', () => {
  const paths = (providers: ProviderFixture) => [
    '/stations?state=CA&limit=500',
    `/stations/${providers.world.stations.all[0]!.id}/observations/latest`,
    '/alerts/active?area=CA',
  ];

  it('refuse whoever does not say who asks', async () => {
    await using providers = await setup();
    for (const path of paths(providers)) expect((await providers.get(path, {})).status).toBe(403);
    expect(providers.ledger.served()).toEqual([]);
  });

  it('answer as GeoJSON', async () => {
    await using providers = await setup();
    for (const path of paths(providers)) {
      const reply = await providers.get(path);
      expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/geo+json']);
    }
  });
});

describe('the list of stations', () => {
  it('comes in pages that name the next one until there is none', async () => {
    await using providers = await setup({ stations: { count: 10 } });
    const pages: Collection[] = [];
    for (let next: string | undefined = '/stations?state=CA&limit=4'; next; ) {
      const page: Collection = json(await providers.get(next));
      pages.push(page);
      next = page.pagination?.next.replace(providers.url, '');
    }
    expect(pages.map((page) => page.features.length)).toEqual([4, 4, 2]);
    const features = pages.flatMap((page) => page.features);
    expect(features.map((feature) => feature.properties.stationIdentifier)).toEqual(
      providers.world.stations.all.map(({ id }) => id),
    );
    const { latitude, longitude, elevationM, name } = providers.world.stations.all[0]!;
    expect(features[0]).toMatchObject({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [longitude, latitude] },
      properties: { name, elevation: { unitCode: 'wmoUnit:m', value: elevationM }, timeZone: 'America/Los_Angeles' },
    });
  });

  it('ends with an empty page when the last full one was the last', async () => {
    await using providers = await setup({ stations: { count: 4 } });
    const page: Collection = json(await providers.get('/stations?state=CA&limit=4'));
    const last: Collection = json(await providers.get(page.pagination!.next.replace(providers.url, '')));
    expect([last.features, last.pagination]).toEqual([[], undefined]);
  });

  it('is empty for another state', async () => {
    await using providers = await setup();
    expect(json(await providers.get('/stations?state=NV')).features).toEqual([]);
  });

  it.each(['/stations?limit=0', '/stations?limit=501', '/stations?limit=x', '/stations?cursor=x'])(
    'refuses %s with a problem document',
    async (path) => {
      await using providers = await setup();
      const reply = await providers.get(path);
      expect([reply.status, reply.headers['content-type']]).toEqual([400, 'application/problem+json']);
    },
  );
});

describe('the latest observation', () => {
  const units = {
    temperature: ['wmoUnit:degC', 'temperatureC', 1],
    dewpoint: ['wmoUnit:degC', 'dewpointC', 1],
    relativeHumidity: ['wmoUnit:percent', 'relativeHumidityPercent', 1],
    windDirection: ['wmoUnit:degree_(angle)', 'windDirectionDeg', 1],
    windSpeed: ['wmoUnit:km_h-1', 'windSpeedMps', 1000 / 3600],
    windGust: ['wmoUnit:km_h-1', 'windGustMps', 1000 / 3600],
    barometricPressure: ['wmoUnit:Pa', 'pressurePa', 1],
    seaLevelPressure: ['wmoUnit:Pa', 'seaLevelPressurePa', 1],
    visibility: ['wmoUnit:m', 'visibilityM', 1],
    precipitationLastHour: ['wmoUnit:mm', 'precipitationLastHourMm', 1],
    heatIndex: ['wmoUnit:degC', 'heatIndexC', 1],
    windChill: ['wmoUnit:degC', 'windChillC', 1],
  } as const;

  it('is noted exactly as it stands in the answer, in the units of the contract', async () => {
    await using providers = await setup({ stations: { count: 60 } });
    const nulls = new Set<string>();
    for (const { feature, record } of await observations(providers)) {
      const { properties, geometry } = feature;
      const quality: Record<string, string> = {};
      for (const [name, [unitCode, field, factor]] of Object.entries(units)) {
        const measured = properties[name] as Measured;
        expect(measured.unitCode).toBe(unitCode);
        if (measured.value === null) nulls.add(name);
        expect(record.data[field]).toEqual(near(measured.value, factor));
        if (measured.qualityControl) quality[field] = measured.qualityControl;
      }
      expect(record).toMatchObject({
        kind: 'station',
        type: 'weather-observation',
        kafkaKey: properties['stationId'],
        eventTimeMs: Date.parse(properties.timestamp),
        observedAt: new Date(properties.timestamp).toISOString(),
        location: {
          latitude: geometry!.coordinates[1],
          longitude: geometry!.coordinates[0],
          elevationM: properties.elevation.value,
        },
      });
      expect(record.data).toMatchObject({
        stationId: properties['stationId'],
        stationName: properties['stationName'],
        description: properties['textDescription'],
        rawMetar: properties.rawMessage || null,
        quality,
      });
      expect(properties.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    }
    expect([...nulls].sort()).toEqual(Object.keys(units).sort());
  });

  it('has the thickest of its cloud layers as cover, and none without layers', async () => {
    await using providers = await setup({ stations: { count: 60 } });
    const shares: Record<string, number> = { SKC: 0, CLR: 0, FEW: 25, SCT: 50, BKN: 75, OVC: 100 };
    const covers = new Set<unknown>();
    for (const { feature, record } of await observations(providers)) {
      const amounts = (feature.properties['cloudLayers'] as { amount: string }[]).map(({ amount }) => shares[amount]!);
      covers.add(record.data['cloudCoverPercent']);
      expect(record.data['cloudCoverPercent']).toBe(amounts.length === 0 ? null : Math.max(...amounts));
    }
    expect(covers).toEqual(new Set([null, 0, 25, 50, 75, 100]));
  });

  it('writes quality codes with or without prefix; the record has the bare code', async () => {
    await using providers = await setup({ stations: { count: 1, qualityForm: 'qc' } });
    const [{ feature, record }] = (await observations(providers)) as [{ feature: Feature; record: ExpectedRecord }];
    const code = feature.properties.temperature.qualityControl;
    expect(code).toMatch(/^qc:[VCSZ]$/);
    expect(record.data['quality']).toMatchObject({ temperatureC: code.slice(3) });
  });

  it('need not name the station', async () => {
    await using providers = await setup({ stations: { count: 1, names: false } });
    const [{ feature, record }] = (await observations(providers)) as [{ feature: Feature; record: ExpectedRecord }];
    expect(feature.properties).not.toHaveProperty('stationName');
    expect(record.data['stationName']).toBeNull();
  });

  it('does not exist for a station that nobody knows', async () => {
    await using providers = await setup();
    const reply = await providers.get('/stations/XXXX/observations/latest');
    expect([reply.status, reply.headers['content-type']]).toEqual([404, 'application/problem+json']);
    expect(json(reply)).toMatchObject({ status: 404, title: 'Not Found' });
  });
});

describe('active alerts', () => {
  it('are noted exactly as they stand in the answer, with times in UTC', async () => {
    await using providers = await setup({ alerts: { backlog: 40, perMinute: 60 } });
    const features = new Map<string, Feature>();
    for (let second = 0; second < 240; second += 10) {
      providers.clock = startAt + second * 1000;
      for (const feature of json(await providers.get('/alerts/active?area=CA')).features)
        features.set(feature.properties.id, feature);
    }
    const served = providers.ledger.served();
    expect(served.map(({ data }) => data['alertId'])).toEqual([...features.keys()]);
    const utc = (time: string | null) => (time === null ? null : new Date(time).toISOString());
    for (const record of served) {
      const { properties, geometry } = features.get(record.data['alertId'] as string)!;
      const references = (properties['references'] as { identifier: string }[]).map(({ identifier }) => identifier);
      expect(record.kind).toBe('alert');
      expect(record).not.toHaveProperty('location');
      expect(record.kafkaKey).toBe(references[0] ?? properties.id);
      expect(record.observedAt).toBe(utc(properties.sent));
      expect(record.data).toEqual({
        alertId: properties.id,
        event: properties['event'],
        headline: properties['headline'],
        description: properties['description'],
        instruction: properties['instruction'],
        severity: properties['severity'],
        certainty: properties['certainty'],
        urgency: properties['urgency'],
        areaDescription: properties['areaDesc'],
        effective: utc(properties.effective),
        onset: utc(properties.onset),
        expires: utc(properties.expires),
        ends: utc(properties.ends),
        status: properties['status'],
        messageType: properties.messageType,
        category: properties['category'],
        sender: properties['sender'],
        references,
        geometry,
      });
      expect(properties.sent).toMatch(/-08:00$/);
    }
    const all = [...features.values()];
    expect(new Set(all.map(({ properties }) => properties.messageType))).toEqual(
      new Set(['Alert', 'Update', 'Cancel']),
    );
    expect(new Set(all.map(({ geometry }) => geometry?.type))).toEqual(new Set(['Polygon', undefined]));
  });

  it.each([
    { query: 'area=NV', count: 0 },
    { query: 'area=CA,NV', count: 5 },
    { query: 'area=CA&status=actual&message_type=alert', count: 5 },
    { query: 'area=CA&status=test', count: 0 },
    { query: 'area=CA&message_type=cancel', count: 0 },
  ])('has $count alerts for $query', async ({ query, count }) => {
    await using providers = await setup();
    expect(json(await providers.get(`/alerts/active?${query}`)).features).toHaveLength(count);
  });

  it('refuses an area that is none', async () => {
    await using providers = await setup();
    expect((await providers.get('/alerts/active?area=California')).status).toBe(400);
  });
});
