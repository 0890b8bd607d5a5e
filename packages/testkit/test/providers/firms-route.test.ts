import { describe, expect, it } from 'vitest';
import { setup, startAt } from './provider-fixture.ts';

const viirs =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
const modis =
  'latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_t31,frp,daynight';

const rowsOf = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));

/** What a row says, read here by hand and nowhere else. */
const read = (row: string[]) => {
  const [
    lat,
    lon,
    brightness,
    scan,
    track,
    date,
    time,
    satellite,
    instrument,
    confidence,
    version,
    longwave,
    frp,
    light,
  ] = row as [string, ...string[]];
  const padded = time!.padStart(4, '0');
  const percent = Number(confidence);
  const words = { l: ['low', 0.3], n: ['nominal', 0.5], h: ['high', 0.8] } as const;
  const [confidenceClass, share] =
    instrument === 'MODIS'
      ? [percent < 30 ? 'low' : percent < 80 ? 'nominal' : 'high', percent / 100]
      : words[confidence as 'l' | 'n' | 'h'];
  return {
    observedAt: `${date}T${padded.slice(0, 2)}:${padded.slice(2)}:00.000Z`,
    location: { latitude: Number(lat), longitude: Number(lon) },
    data: {
      satellite,
      instrument,
      confidence: share,
      confidenceClass,
      brightnessK: Number(brightness),
      brightnessLongwaveK: Number(longwave),
      frpMw: Number(frp),
      scanKm: Number(scan),
      trackKm: Number(track),
      dayNight: light,
      version,
    },
  };
};

describe('the FIRMS area API', () => {
  it.each([
    { dataset: 'VIIRS_SNPP_NRT', header: viirs, satellites: ['N'], version: '2.0NRT' },
    { dataset: 'VIIRS_NOAA20_NRT', header: viirs, satellites: ['N20'], version: '2.0NRT' },
    { dataset: 'VIIRS_NOAA20_SP', header: viirs, satellites: ['1'], version: '2' },
    { dataset: 'VIIRS_NOAA21_NRT', header: viirs, satellites: ['N21'], version: '2.0NRT' },
    { dataset: 'MODIS_NRT', header: modis, satellites: ['Aqua', 'Terra'], version: '6.1NRT' },
  ])('serves $dataset under its own header with its own codes', async ({ dataset, header, satellites, version }) => {
    await using providers = await setup();
    const reply = await providers.get(providers.firmsPath(dataset));
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(reply.text.split('\n')[0]).toBe(header);
    const rows = rowsOf(reply.text);
    expect(rows).toHaveLength(200);
    expect([...new Set(rows.map((row) => row[7]!))].sort()).toEqual(satellites);
    expect(new Set(rows.map((row) => row[10]))).toEqual(new Set([version]));
    const isConfidence = dataset.startsWith('VIIRS') ? /^[lnh]$/ : /^(\d\d?|100)$/;
    const confidences = new Set(rows.map((row) => row[9]!));
    expect([...confidences].filter((value) => !isConfidence.test(value))).toEqual([]);
    expect(confidences.size).toBeGreaterThanOrEqual(3);
  });

  it.each(['VIIRS_SNPP_NRT', 'MODIS_NRT'])('notes of %s exactly what its rows say', async (dataset) => {
    await using providers = await setup();
    const rows = rowsOf((await providers.get(providers.firmsPath(dataset))).text);
    const served = providers.ledger.served();
    expect(served).toHaveLength(rows.length);
    expect(served.map(({ observedAt, location, data }) => ({ observedAt, location, data }))).toEqual(rows.map(read));
    for (const [at, record] of served.entries()) {
      expect(record).toMatchObject({ kind: 'firms', type: 'fire-detection', timesServed: 1 });
      expect(record.eventTimeMs).toBe(Date.parse(record.observedAt));
      expect(record.kafkaKey).toMatch(/^\d\d\.\d,-1\d\d\.\d$/);
      const [lat, lon] = record.kafkaKey.split(',').map(Number);
      expect(Math.abs(lat! - Number(rows[at]![0]))).toBeLessThan(0.05);
      expect(Math.abs(lon! - Number(rows[at]![1]))).toBeLessThan(0.05);
    }
  });

  it('prints the time without leading zeros: 00:05 is 5', async () => {
    const midnight = Date.UTC(2025, 0, 4, 0, 10);
    await using providers = await setup({ startAt: midnight, now: () => midnight });
    const times = new Set(rowsOf((await providers.get(providers.firmsPath())).text).map((row) => row[6]!));
    expect(times.has('5')).toBe(true);
    expect(times.has('0')).toBe(true);
    expect([...times].every((time) => Number(time) <= 10 && /^(0|[1-9]\d*)$/.test(time))).toBe(true);
  });

  it('serves LANDSAT under its own header, without sizes and radiometry', async () => {
    await using providers = await setup();
    const { text } = await providers.get(providers.firmsPath('LANDSAT_NRT'));
    expect(text.split('\n')[0]).toBe(
      'latitude,longitude,path,row,scan,track,acq_date,acq_time,satellite,confidence,daynight',
    );
    const rows = rowsOf(text);
    expect(new Set(rows.map((row) => row[8]))).toEqual(new Set(['L8', 'L9']));
    expect(new Set(rows.map((row) => row[9]))).toEqual(new Set(['L', 'M', 'H']));
    const served = providers.ledger.served();
    expect(served.map(({ location }) => location)).toEqual(
      rows.map(([lat, lon]) => ({ latitude: Number(lat), longitude: Number(lon) })),
    );
    const nothing = { instrument: null, version: null, brightnessK: null, frpMw: null, scanKm: null, trackKm: null };
    expect(served[0]?.data).toMatchObject(nothing);
  });

  it.each([
    { days: '6', says: 'Invalid day range. Expects [1..5].' },
    { days: '0', says: 'Invalid day range. Expects [1..5].' },
  ])('refuses a range of $days days', async ({ days, says }) => {
    await using providers = await setup();
    const reply = await providers.get(providers.firmsPath('VIIRS_SNPP_NRT', days));
    expect([reply.status, reply.text]).toEqual([400, says]);
  });

  it('gives the days from a date on', async () => {
    await using providers = await setup();
    const today = await providers.get(providers.firmsPath('VIIRS_SNPP_NRT', '1/2025-01-04'));
    const before = await providers.get(providers.firmsPath('VIIRS_SNPP_NRT', '5/2024-12-30'));
    expect([rowsOf(today.text).length, rowsOf(before.text).length]).toEqual([200, 0]);
  });

  it('says which days each data set has', async () => {
    await using providers = await setup();
    const path = `/api/data_availability/csv/${providers.mapKey}`;
    expect((await providers.get(`${path}/MODIS_SP`)).text).toBe(
      'data_id,min_date,max_date\nMODIS_SP,2015-01-07,2024-11-05\n',
    );
    expect((await providers.get(`${path}/MODIS_NRT`)).text).toContain('MODIS_NRT,2024-11-05,2025-01-04');
    expect(rowsOf((await providers.get(`${path}/ALL`)).text)).toHaveLength(8);
    expect((await providers.get('/api/data_availability/csv/wrong/ALL')).text).toBe('Invalid MAP_KEY.');
  });

  it('answers a wrong key with text and status 200', async () => {
    await using providers = await setup();
    const reply = await providers.get(providers.firmsPath().replace(providers.mapKey, 'wrong'));
    expect([reply.status, reply.text]).toEqual([200, 'Invalid MAP_KEY.']);
    expect(providers.ledger.served()).toEqual([]);
  });

  it.each([
    { name: 'dataset', path: 'MODIS_A_NRT/-124,32,-114,42/1', says: /^Invalid source/ },
    { name: 'area', path: 'MODIS_NRT/-114,32,-124,42/1', says: /^Invalid area/ },
    { name: 'incomplete area', path: 'MODIS_NRT/-114,32,-104/1', says: /^Invalid area/ },
    { name: 'day range of zero', path: 'MODIS_NRT/world/0', says: /^Invalid day range/ },
    { name: 'day range of eleven', path: 'MODIS_NRT/world/11', says: /^Invalid day range/ },
    { name: 'date', path: 'MODIS_NRT/world/1/yesterday', says: /^Invalid date/ },
  ])('refuses an unknown $name with text and status 400', async ({ path, says }) => {
    await using providers = await setup();
    const reply = await providers.get(`/api/area/csv/${providers.mapKey}/${path}`);
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(says);
  });

  it('answers with the header alone where nothing burns', async () => {
    await using providers = await setup();
    const reply = await providers.get(`/api/area/csv/${providers.mapKey}/MODIS_NRT/0,0,10,10/1`);
    expect([reply.status, reply.text]).toEqual([200, `${modis}\n`]);
  });

  it('serves only rows inside the box', async () => {
    await using providers = await setup();
    const rows = rowsOf((await providers.get(`/api/area/csv/${providers.mapKey}/MODIS_NRT/-120,34,-117,38/1`)).text);
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.length).toBeLessThan(200);
    for (const [lat, lon] of rows.map((row) => row.map(Number))) {
      expect(lat! >= 34 && lat! <= 38 && lon! >= -120 && lon! <= -117).toBe(true);
    }
  });

  it('counts a day range in calendar days of UTC, from a date if one is given', async () => {
    const noon = Date.UTC(2025, 0, 4, 1);
    await using providers = await setup({ startAt: noon, now: () => noon, firms: { acrossMidnight: true } });
    const days = async (path: string) =>
      new Set(rowsOf((await providers.get(providers.firmsPath('MODIS_NRT', path))).text).map((row) => row[5]));
    expect(await days('1')).toEqual(new Set(['2025-01-04']));
    expect(await days('2')).toEqual(new Set(['2025-01-03', '2025-01-04']));
    expect(await days('1/2025-01-03')).toEqual(new Set(['2025-01-03']));
    expect(await days('2/2025-01-03')).toEqual(new Set(['2025-01-03', '2025-01-04']));
    expect(await days('1/2024-12-01')).toEqual(new Set());
  });

  it('brings rows later that are older than those of earlier answers', async () => {
    await using providers = await setup({ firms: { backlog: 50, perMinute: 60 } });
    const first = (await providers.get(providers.firmsPath())).text;
    providers.clock = startAt + 60_000;
    const second = (await providers.get(providers.firmsPath())).text;
    const fresh = rowsOf(second.slice(first.length - 1));
    expect(second.startsWith(first)).toBe(true);
    expect(fresh).toHaveLength(60);
    const minuteOf = (row: string[]) => row[5]! + row[6]!.padStart(4, '0');
    const newest = rowsOf(first).map(minuteOf).sort().at(-1)!;
    expect(fresh.some((row) => minuteOf(row) < newest)).toBe(true);
  });

  it('serves and notes 50,000 rows in one answer', async () => {
    await using providers = await setup({ firms: { bulk: { rows: 50_000 } } });
    const reply = await providers.get(providers.firmsPath());
    expect(rowsOf(reply.text)).toHaveLength(50_000);
    expect(reply.headers['transfer-encoding']).toBe('chunked');
    expect(providers.ledger.counts().served.firms).toBe(50_000);
  });
});
