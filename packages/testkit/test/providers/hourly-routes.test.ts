// Forecasts of NWS, AirNow and the Aviation Weather Center: what stands in their answers against what is noted of them,
// read here by hand and nowhere else.
import { describe, expect, it } from 'vitest';
import { json, setup, startAt } from './provider-fixture.ts';

describe('the forecast of a gridpoint', () => {
  it('has the periods of the newest issue, and notes what they say', async () => {
    await using providers = await setup();
    const gridpoint = providers.world.forecasts.all[0]!;
    const reply = await providers.get(`/gridpoints/${gridpoint.id}/forecast`);
    expect(reply.headers['content-type']).toBe('application/geo+json');
    const { geometry, properties } = json(reply);
    const ring: number[][] = geometry.coordinates[0];
    expect(ring[0]).toEqual(ring.at(-1));
    const middle = (at: number): number => ring.slice(0, -1).reduce((sum, corner) => sum + corner[at]!, 0) / 4;
    const served = providers.ledger.served();
    expect(served).toHaveLength(14);
    for (const [at, period] of properties.periods.entries()) {
      const record = served[at]!;
      expect(record.kafkaKey).toBe(gridpoint.id);
      expect(Date.parse(record.observedAt)).toBe(Date.parse(properties.updateTime));
      expect(record.location?.latitude).toBeCloseTo(middle(1), 6);
      expect(record.location?.longitude).toBeCloseTo(middle(0), 6);
      expect(record.data['validFrom']).toBe(new Date(period.startTime).toISOString());
      expect(record.data['validTo']).toBe(new Date(period.endTime).toISOString());
      expect(record.data['temperatureC']).toBeCloseTo(((period.temperature - 32) * 5) / 9, 9);
      expect(record.data['precipitationPercent']).toBe(period.probabilityOfPrecipitation.value);
      const speeds = [...period.windSpeed.matchAll(/\d+/g)].map((match) => Number(match[0]) * 0.44704);
      const wind = speeds.length === 0 ? null : { low: speeds[0], high: speeds.at(-1) };
      expect(record.data['windSpeedMps']).toEqual(wind);
    }
  });

  it('is issued again after a while, and unknown elsewhere', async () => {
    await using providers = await setup();
    const path = `/gridpoints/${providers.world.forecasts.all[0]!.id}/forecast`;
    await providers.get(path);
    providers.clock += 60_000;
    await providers.get(path);
    expect(providers.ledger.counts().served.forecast).toBe(28);
    expect((await providers.get('/gridpoints/XXX/1,1/forecast')).status).toBe(404);
    expect((await providers.get(path, {})).status).toBe(403);
  });
});

describe('AirNow', () => {
  const path = (zipCode: string, key: string): string =>
    `/aq/observation/zipCode/current/?format=application/json&zipCode=${zipCode}&distance=25&API_KEY=${key}`;

  it('has an index per pollutant of the area, in its own time, under each of its ZIP codes', async () => {
    await using providers = await setup();
    const area = providers.world.airAreas.all[0]!;
    const answers = await Promise.all(area.zipCodes.map((zip) => providers.get(path(zip, providers.airNowKey))));
    expect(answers[1]!.text).toBe(answers[0]!.text);
    const rows = json(answers[0]!);
    const served = providers.ledger.served();
    expect(served).toHaveLength(3);
    expect(served.every(({ timesServed }) => timesServed === 2)).toBe(true);
    const behind = { PST: 8, PDT: 7, MST: 7 } as Readonly<Record<string, number>>;
    for (const [at, row] of rows.entries()) {
      const { observedAt, data } = served[at]!;
      expect(row.DateObserved).toMatch(/^\d{4}-\d\d-\d\d $/);
      const local = Date.parse(`${row.DateObserved.trim()}T${String(row.HourObserved).padStart(2, '0')}:00:00Z`);
      expect(Date.parse(observedAt)).toBe(local + behind[row.LocalTimeZone]! * 3_600_000);
      expect(Math.floor(startAt / 3_600_000) * 3_600_000).toBe(Date.parse(observedAt));
      expect(data).toMatchObject({
        parameter: row.ParameterName,
        aqi: row.AQI === -1 ? null : row.AQI,
        area: `${row.ReportingArea}, ${row.StateCode}`,
      });
    }
  });

  it('refuses a wrong key, and has nothing of a place without monitors', async () => {
    await using providers = await setup();
    const refused = await providers.get(path('90012', 'wrong'));
    expect([refused.status, json(refused)]).toEqual([401, { WebServiceError: [{ Message: 'Invalid API key' }] }]);
    expect((await providers.get(path('00000', providers.airNowKey))).text).toBe('[]');
  });
});

describe('METAR', () => {
  it('has the newest report of each airport, in knots, miles and hectopascals', async () => {
    await using providers = await setup();
    const ids = providers.world.airports.all.map(({ id }) => id);
    const rows = json(await providers.get(`/api/data/metar?ids=${ids.join(',')}&format=json`));
    const served = providers.ledger.served();
    expect(rows).toHaveLength(ids.length);
    expect(served).toHaveLength(ids.length);
    for (const [at, row] of rows.entries()) {
      const { observedAt, data, kafkaKey } = served[at]!;
      expect(kafkaKey).toBe(row.icaoId);
      expect(Date.parse(observedAt)).toBe(row.obsTime * 1000);
      expect(data['windDirectionDeg']).toBe(row.wdir === 'VRB' ? null : row.wdir);
      expect(data['windSpeedMps']).toBe(row.wspd === null ? null : row.wspd * (1.852 / 3.6));
      expect(data['pressurePa']).toBe(row.altim === null ? null : Math.round(row.altim * 100));
      expect(data['visibilityM']).toBe(Number(String(row.visib).replace('+', '')) * 1609.344);
    }
    expect(rows.map((row: { visib: unknown }) => row.visib)).toContain('10+');
  });

  it('looks back as many hours as asked, four hundred reports at most, and says 204 for none', async () => {
    await using providers = await setup();
    providers.clock += 3 * 3_600_000;
    const ids = providers.world.airports.all.map(({ id }) => id);
    const of = async (some: readonly string[], more: string): Promise<number> =>
      json(await providers.get(`/api/data/metar?ids=${some.join(',')}&format=json${more}`)).length;
    expect(await of(ids.slice(0, 1), '')).toBe(1);
    expect(await of(ids.slice(0, 1), '&hours=1')).toBe(6);
    expect(await of(ids.slice(0, 1), `&hours=1&date=${new Date(startAt).toISOString()}`)).toBe(1);
    providers.clock += 24 * 3_600_000;
    expect(await of(ids, '&hours=24')).toBe(400);
    const none = await providers.get('/api/data/metar?ids=KXXX&format=json');
    expect([none.status, none.text]).toEqual([204, '']);
  });
});
