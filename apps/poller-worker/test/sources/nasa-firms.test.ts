import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpClient } from '../../src/http/http-client.ts';
import { createRedactor } from '../../src/http/secrets.ts';
import { answerInMemory } from '../../src/http/whole-answer.ts';
import { parseFirmsRow } from '../../src/sources/firms-rows.ts';
import { createNasaFirms, firmsPages } from '../../src/sources/nasa-firms.ts';
import type { Page } from '../../src/sources/source.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, statusError } from './scripted-http.ts';

const viirs =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
const modis =
  'latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_t31,frp,daynight';
const viirsRow = '39.7596,-121.6219,328.4,0.39,0.36,2025-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D';
const modisRow = '38.1234,-120.5,331.2,1.1,1.05,2025-01-04,2130,Terra,MODIS,85,6.1NRT,295.4,120.9,N';

const parse = async (text: string | Buffer, rowsPerPage?: number) => {
  const answer = answerInMemory([Buffer.from(text)]);
  const pages = await Array.fromAsync(
    firmsPages(answer, createRedactor(['the-map-key']), rowsPerPage === undefined ? {} : { rowsPerPage }),
  );
  return { pages, records: pages.flatMap((page) => page.records), invalid: pages.flatMap((page) => page.invalid) };
};

/** What it rejects with. */
const errorOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => null,
    (error: unknown) => error,
  );

/** The VIIRS row with other cells. */
const rowWith = (changes: Readonly<Record<string, string>>, header = viirs, row = viirsRow): string => {
  const cells = row.split(',');
  for (const [name, value] of Object.entries(changes)) cells[header.split(',').indexOf(name)] = value;
  return cells.join(',');
};

const one = async (row: string, header = viirs): Promise<SourceRecord> => {
  const { records, invalid } = await parse(`${header}\n${row}\n`);
  expect(invalid).toEqual([]);
  expect(records).toHaveLength(1);
  return records[0]!;
};

describe('a VIIRS row', () => {
  it('gives the pages behind a page once more, as often as they are asked for', async () => {
    const rows = Array.from({ length: 5 }, (_row, index) => rowWith({ frp: String(index) }));
    const { pages } = await parse(`${viirs}\n${rows.join('\n')}\n`, 2);
    const plain = (page: Page) => [page.records.map(({ data }) => data['frpMw']), page.position, page.isPart];
    const all = [
      [[0, 1], { rows: 2 }, true],
      [[2, 3], { rows: 4 }, true],
      [[4], null, true],
    ];
    expect(pages.map(plain)).toEqual(all);
    for (const _time of [1, 2])
      expect((await Array.fromAsync(pages[0]?.ahead?.() ?? [])).map(plain)).toEqual(all.slice(1));
    expect((await Array.fromAsync(pages[1]?.ahead?.() ?? [])).map(plain)).toEqual(all.slice(2));
    expect(pages[2]?.ahead).toBeUndefined();
  });

  it('becomes a fire detection', async () => {
    expect(await one(viirsRow)).toEqual({
      type: 'fire-detection',
      naturalKey: 'N|VIIRS|2025-01-04|0902|39.7596|-121.6219|0.39|0.36',
      observedAtMs: Date.parse('2025-01-04T09:02:00Z'),
      location: { latitude: 39.7596, longitude: -121.6219 },
      data: {
        satellite: 'N',
        instrument: 'VIIRS',
        confidence: 0.5,
        confidenceClass: 'nominal',
        brightnessK: 328.4,
        brightnessLongwaveK: 298.2,
        frpMw: 4.53,
        scanKm: 0.39,
        trackKm: 0.36,
        dayNight: 'D',
        version: '2.0NRT',
      },
      partitionKey: '39.8,-121.6',
    });
  });
});

describe('a MODIS row', () => {
  it('keeps both of its brightness channels', async () => {
    expect((await one(modisRow, modis)).data).toEqual({
      satellite: 'Terra',
      instrument: 'MODIS',
      confidence: 0.85,
      confidenceClass: 'high',
      brightnessK: 331.2,
      brightnessLongwaveK: 295.4,
      frpMw: 120.9,
      scanKm: 1.1,
      trackKm: 1.05,
      dayNight: 'N',
      version: '6.1NRT',
    });
  });
});

describe('a LANDSAT row', () => {
  it('has no brightness, power and instrument; its scan and track tell pixels apart and are no kilometres', async () => {
    const header = 'latitude,longitude,path,row,scan,track,acq_date,acq_time,satellite,confidence,daynight';
    expect(await one('39.1,-121.2,44,33,30,30,2025-01-04,1845,L8,M,D', header)).toMatchObject({
      naturalKey: 'L8||2025-01-04|1845|39.1|-121.2|30|30',
      data: {
        scanKm: null,
        trackKm: null,
        instrument: null,
        confidenceClass: 'nominal',
        brightnessK: null,
        brightnessLongwaveK: null,
        frpMw: null,
      },
    });
  });
});

describe('times', () => {
  it.each([
    { text: '5', time: '00:05' },
    { text: '0', time: '00:00' },
    { text: '0005', time: '00:05' },
    { text: '902', time: '09:02' },
    { text: '0902', time: '09:02' },
    { text: '09:02', time: '09:02' },
    { text: '2359', time: '23:59' },
  ])('$text is $time UTC', async ({ text, time }) => {
    const record = await one(rowWith({ acq_time: text }));
    expect(new Date(record.observedAtMs).toISOString()).toBe(`2025-01-04T${time}:00.000Z`);
    expect(record.naturalKey).toContain(`|2025-01-04|${time.replace(':', '')}|`);
  });
});

describe('confidence', () => {
  it.each([
    { text: 'l', confidence: 0.3, confidenceClass: 'low' },
    { text: 'n', confidence: 0.5, confidenceClass: 'nominal' },
    { text: 'h', confidence: 0.8, confidenceClass: 'high' },
    { text: 'low', confidence: 0.3, confidenceClass: 'low' },
    { text: 'Nominal', confidence: 0.5, confidenceClass: 'nominal' },
    { text: 'HIGH', confidence: 0.8, confidenceClass: 'high' },
    { text: '0', confidence: 0, confidenceClass: 'low' },
    { text: '29', confidence: 0.29, confidenceClass: 'low' },
    { text: '30', confidence: 0.3, confidenceClass: 'nominal' },
    { text: '79', confidence: 0.79, confidenceClass: 'nominal' },
    { text: '80', confidence: 0.8, confidenceClass: 'high' },
    { text: '100', confidence: 1, confidenceClass: 'high' },
    { text: '', confidence: null, confidenceClass: null },
  ])('"$text" is $confidence, $confidenceClass', async ({ text, confidence, confidenceClass }) => {
    expect((await one(rowWith({ confidence: text }))).data).toMatchObject({ confidence, confidenceClass });
  });
});

describe('the natural key and the partition key', () => {
  it('do not hang on how a number is printed', async () => {
    const usual = await one(viirsRow);
    const padded = await one(
      rowWith({ latitude: '39.75960', longitude: '-121.62190', scan: '0.390', acq_time: '0902' }),
    );
    expect(padded.naturalKey).toBe(usual.naturalKey);
    expect(padded.partitionKey).toBe(usual.partitionKey);
  });

  it('tell two pixels of one place and minute apart by scan and track', async () => {
    expect((await one(rowWith({ scan: '0.4' }))).naturalKey).not.toBe((await one(viirsRow)).naturalKey);
    expect((await one(rowWith({ track: '0.4' }))).naturalKey).not.toBe((await one(viirsRow)).naturalKey);
  });

  it.each([
    { latitude: '-0.04', longitude: '0.04', key: '0.0,0.0' },
    { latitude: '0', longitude: '-0.06', key: '0.0,-0.1' },
    { latitude: '40', longitude: '-120', key: '40.0,-120.0' },
    { latitude: '-33.96', longitude: '18.449', key: '-34.0,18.4' },
    { latitude: '90', longitude: '-180', key: '90.0,-180.0' },
  ])('$latitude, $longitude lies in $key', async ({ latitude, longitude, key }) => {
    expect((await one(rowWith({ latitude, longitude }))).partitionKey).toBe(key);
  });
});

describe('values', () => {
  it('may have blanks around them', async () => {
    const spaced = viirsRow
      .split(',')
      .map((cell) => ` ${cell} `)
      .join(',');
    expect(await one(spaced)).toEqual(await one(viirsRow));
    expect((await one(rowWith({ frp: ' ' }))).data['frpMw']).toBeNull();
  });

  it('that are empty are null where the record can do without', async () => {
    const row = rowWith({ bright_ti4: '', bright_ti5: '', frp: '', daynight: '', version: '' });
    expect((await one(row)).data).toMatchObject({
      brightnessK: null,
      brightnessLongwaveK: null,
      frpMw: null,
      dayNight: null,
      version: null,
    });
  });

  it.each([
    { name: 'no latitude', changes: { latitude: '' }, reason: 'missing_value' },
    { name: 'blanks for a longitude', changes: { longitude: '  ' }, reason: 'missing_value' },
    { name: 'a word for a number', changes: { latitude: 'abc' }, reason: 'not_a_number' },
    { name: 'NaN', changes: { longitude: 'NaN' }, reason: 'not_a_number' },
    { name: 'infinity', changes: { frp: 'Infinity' }, reason: 'not_a_number' },
    { name: 'a number that is too large', changes: { frp: '1e999' }, reason: 'not_a_number' },
    { name: 'a hexadecimal number', changes: { scan: '0x10' }, reason: 'not_a_number' },
    { name: 'a hexadecimal number after a blank', changes: { track: ' 0x10' }, reason: 'not_a_number' },
    { name: 'a number with a unit', changes: { bright_ti4: '328K' }, reason: 'not_a_number' },
    { name: 'a latitude beyond the pole', changes: { latitude: '90.00001' }, reason: 'out_of_range' },
    { name: 'a longitude beyond the antimeridian', changes: { longitude: '-180.1' }, reason: 'out_of_range' },
    { name: 'a day that does not exist', changes: { acq_date: '2025-02-30' }, reason: 'bad_time' },
    { name: 'a month that does not exist', changes: { acq_date: '2025-13-45' }, reason: 'bad_time' },
    { name: 'a day in another form', changes: { acq_date: '04.01.2025' }, reason: 'bad_time' },
    { name: 'no day', changes: { acq_date: '' }, reason: 'bad_time' },
    { name: 'an hour that does not exist', changes: { acq_time: '2400' }, reason: 'bad_time' },
    { name: 'a minute that does not exist', changes: { acq_time: '60' }, reason: 'bad_time' },
    { name: 'no time', changes: { acq_time: '' }, reason: 'bad_time' },
    { name: 'no satellite', changes: { satellite: ' ' }, reason: 'missing_value' },
    { name: 'no instrument', changes: { instrument: '' }, reason: 'missing_value' },
    { name: 'an unknown confidence', changes: { confidence: 'sure' }, reason: 'unknown_word' },
    { name: 'a confidence above 100', changes: { confidence: '101' }, reason: 'unknown_word' },
  ])('make a row invalid: $name', async ({ changes, reason }) => {
    const bad = rowWith(changes);
    const { records, invalid } = await parse(`${viirs}\n${viirsRow}\n${bad}\n${viirsRow}\n`);
    expect(records).toHaveLength(2);
    const message: unknown = expect.stringContaining(Object.keys(changes)[0]!);
    expect(invalid).toEqual([{ raw: bad, reason, message, context: viirs }]);
    expect(invalid[0]?.message).toMatch(/^\w+: expected .+, found .+$/);
  });

  it.each([
    { name: 'too few', bad: viirsRow.slice(0, 60), reason: 'column_count' },
    { name: 'too many', bad: `${viirsRow},1,2`, reason: 'column_count' },
    { name: 'a quote that does not close', bad: `"${viirsRow}`, reason: 'unreadable' },
    { name: 'words', bad: '<html>', reason: 'column_count' },
  ])('in the wrong number make a row invalid: $name', async ({ bad, reason }) => {
    const { records, invalid } = await parse(`${viirs}\n${bad}\n${viirsRow}\n`);
    expect(records).toHaveLength(1);
    expect(invalid).toMatchObject([{ raw: bad, reason }]);
  });
});

describe('a row that is parsed again', () => {
  const bad = rowWith({ frp: 'x' });

  it('is the same invalid row, as long as it is', async () => {
    const [kept] = (await parse(`${viirs}\n${bad}\n`)).invalid;
    expect(parseFirmsRow({ raw: bad, context: viirs })).toEqual(kept);
    const cut = (await parse(`${viirs}\n${bad}${'9'.repeat(9000)}\n`)).invalid[0]!;
    expect(cut).toMatchObject({ isIncomplete: true, raw: expect.stringMatching(/^.{8192}$/) });
  });

  it('is the record that its answer would have given, once it is right', async () => {
    expect(parseFirmsRow({ raw: viirsRow, context: viirs })).toEqual(await one(viirsRow));
    expect(parseFirmsRow({ raw: modisRow, context: modis })).toEqual(await one(modisRow, modis));
  });

  it.each([
    { name: 'no header', raw: viirsRow, context: '', says: 'header: expected the header of the row' },
    {
      name: 'a header of something else',
      raw: viirsRow,
      context: 'a,b',
      says: 'header: expected the columns latitude',
    },
    { name: 'two rows', raw: `${viirsRow}\n${viirsRow}`, context: viirs, says: 'row: expected one line of CSV' },
    { name: 'nothing', raw: '', context: viirs, says: 'row: expected one line of CSV' },
  ])('is invalid with $name', ({ raw, context, says }) => {
    expect(parseFirmsRow({ raw, context })).toMatchObject({
      raw,
      reason: 'unreadable',
      message: expect.stringContaining(says),
    });
  });
});

describe('answers', () => {
  it.each([
    { name: 'with a byte order mark', text: `\uFEFF${viirs}\n${viirsRow}\n` },
    { name: 'with CR LF', text: `${viirs}\r\n${viirsRow}\r\n` },
    { name: 'without a last line break', text: `${viirs}\n${viirsRow}` },
    { name: 'with unknown columns', text: `quality_flag,${viirs},more\n0,${viirsRow},x\n` },
    {
      name: 'with columns in another order',
      text: `${viirs.split(',').reverse().join(',')}\n${viirsRow.split(',').reverse().join(',')}`,
    },
    { name: 'with quoted values', text: `"${viirs.replaceAll(',', '","')}"\n"${viirsRow.replaceAll(',', '","')}"\n` },
    { name: 'with a quoted comma', text: `remark,${viirs}\n"a, b",${viirsRow}\n` },
    { name: 'with names in capitals', text: `${viirs.toUpperCase()}\n${viirsRow}\n` },
  ])('are read $name', async ({ text }) => {
    const { records, invalid } = await parse(text);
    expect(invalid).toEqual([]);
    expect(records).toEqual([await one(viirsRow)]);
  });

  it('of older exports may lack daynight and version', async () => {
    const header = viirs.replace(',version', '').replace(',daynight', '');
    expect(
      (await one('39.7596,-121.6219,328.4,0.39,0.36,2025-01-04,902,N,VIIRS,n,298.2,4.53', header)).data,
    ).toMatchObject({
      dayNight: null,
      version: null,
      frpMw: 4.53,
    });
  });

  it.each([
    { name: 'VIIRS', header: viirs, row: viirsRow, word: 'nominal', as: 'n' },
    { name: 'MODIS', header: modis, row: modisRow, word: '85', as: '85' },
  ])(
    'of older exports without instrument, with words and padded times, are the same detections: $name',
    async (given) => {
      const { header, row, word, as } = given;
      const older = (text: string): string =>
        text
          .split(',')
          .filter((_, at) => header.split(',')[at] !== 'instrument')
          .join(',');
      const padded = rowWith({ confidence: word, acq_time: '0902' }, header, row);
      const usual = rowWith({ confidence: as, acq_time: '902' }, header, row);
      expect(await one(older(padded), older(header))).toEqual(await one(usual, header));
    },
  );

  it('with the channels of both instruments take the one that a row fills', async () => {
    const header = `${viirs},brightness,bright_t31`;
    const { records, invalid } = await parse(
      `${header}\n${viirsRow},,\n${rowWith({ bright_ti4: '', bright_ti5: '' })},331.2,295.4\n`,
    );
    expect(invalid).toEqual([]);
    expect(records.map(({ data }) => [data['brightnessK'], data['brightnessLongwaveK']])).toEqual([
      [328.4, 298.2],
      [331.2, 295.4],
    ]);
  });

  it('put together from several are read on under each header', async () => {
    const { records, invalid } = await parse(`${viirs}\n${viirsRow}\n${modis}\n${modisRow}\n`);
    expect(invalid).toEqual([]);
    expect(records).toEqual([await one(viirsRow), await one(modisRow, modis)]);
  });

  it('with a header only have no records', async () => {
    expect((await parse(`${viirs}\n`)).pages).toEqual([{ records: [], invalid: [], position: null }]);
  });

  it.each([
    { name: 'nothing at all', text: '', code: 'response_unreadable', says: 'nothing' },
    { name: 'blank lines', text: '\n\n', code: 'response_unreadable', says: 'nothing' },
    { name: 'a wrong key', text: 'Invalid MAP_KEY.', code: 'credentials_refused', says: 'check params.mapKey' },
    {
      name: 'a wrong key in other words',
      text: '"Invalid map key"\n',
      code: 'credentials_refused',
      says: 'Invalid map key',
    },
    {
      name: 'the transaction limit',
      text: 'Exceeding allowed transaction limit',
      code: 'rate_limited',
      says: 'Exceeding',
    },
    {
      name: 'the transaction limit in other words',
      text: 'You have exceeded the transaction limit of 5000.',
      code: 'rate_limited',
      says: '5000',
    },
    {
      name: 'a page in HTML',
      text: '<!DOCTYPE html>\n<html><body>Maintenance</body></html>',
      code: 'response_unreadable',
      says: 'Maintenance',
    },
    {
      name: 'a sentence',
      text: 'Invalid day range. Expects [1..5].',
      code: 'response_unreadable',
      says: 'Expects [1..5]',
    },
    {
      name: 'CSV without a needed column',
      text: `${viirs.replace(',frp', '')}\n`,
      code: 'response_unreadable',
      says: 'the columns frp',
    },
    {
      name: 'CSV with one brightness only',
      text: `${modis.replace(',bright_t31', '')}\n`,
      code: 'response_unreadable',
      says: 'bright_t31',
    },
    { name: 'binary', text: Buffer.from([0, 255, 254, 10, 0]), code: 'response_unreadable', says: 'expected CSV' },
    {
      name: 'an answer with the key in it',
      text: 'no data for the-map-key today',
      code: 'response_unreadable',
      says: 'no data for *** today',
    },
  ])('that are no detections fail: $name', async ({ text, code, says }) => {
    const error = await errorOf(parse(text));
    expect(codeOf(error)).toBe(code);
    expect(String(error)).toContain(says);
    expect(String(error)).not.toContain('the-map-key');
  });

  it('of many rows come in pages, of which only the last has no position', async () => {
    const rows = Array.from({ length: 25 }, (_, at) => (at % 5 === 0 ? `broken ${at}` : rowWith({ frp: String(at) })));
    const { pages, records, invalid } = await parse(`${viirs}\n${rows.join('\n')}\n`, 10);
    expect(pages.map((page) => page.records.length + page.invalid.length)).toEqual([10, 10, 5]);
    expect(pages.map((page) => page.position)).toEqual([{ rows: 10 }, { rows: 20 }, null]);
    expect(records.map((record) => record.data['frpMw'])).toEqual(rows.flatMap((_, at) => (at % 5 === 0 ? [] : [at])));
    expect(invalid).toHaveLength(5);
  });
});

describe('whatever comes', () => {
  const cell = fc.oneof(
    fc.constantFrom(...viirsRow.split(','), '', '""', '"', 'NaN', '-0', '1e5', '2025-02-29', '2400', 'h', '\t', 'é'),
    fc.string(),
    fc.double().map(String),
  );
  const line = fc.oneof(
    fc.constant(viirsRow),
    fc.array(cell, { maxLength: 16 }).map((cells) => cells.join(',')),
  );
  const isRow = (text: string): boolean => text.trim() !== '';

  it('every row becomes a record or an invalid row, under any header that is one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.constantFrom(viirs, modis),
        fc.integer({ min: 1, max: 7 }),
        async (lines, header, perPage) => {
          const clean = lines.map((text) => text.replaceAll(/[\n\r]/g, ' '));
          const { records, invalid } = await parse([header, ...clean].join('\n'), perPage);
          expect(records.length + invalid.length).toBe(clean.filter(isRow).length);
          for (const record of records) {
            expect(Number.isSafeInteger(record.observedAtMs)).toBe(true);
            expect(Math.abs(record.location?.latitude ?? 99)).toBeLessThanOrEqual(90);
            expect(JSON.parse(JSON.stringify(record.data))).toEqual(record.data);
          }
          for (const row of invalid) expect(row.raw).not.toBe('');
        },
      ),
    );
  });

  it('bytes are rows under a header, and an error of ours without one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const text = new TextDecoder().decode(bytes);
        const { records, invalid } = await parse(Buffer.concat([Buffer.from(`${viirs}\n`), bytes]));
        expect(records.length + invalid.length).toBe(text.split('\n').filter(isRow).length);
        expect(codeOf(await errorOf(parse(Buffer.from(bytes))))).not.toBeNull();
      }),
    );
  });

  it('a text that is cut into blocks anywhere is the same text', async () => {
    const bytes = Buffer.from(`${viirs}\n${rowWith({ version: 'é€😀' })}\n${viirsRow}\n`);
    const pagesOf = (...blocks: readonly Buffer[]) =>
      Array.fromAsync(firmsPages(answerInMemory(blocks), createRedactor([])));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), async (cut) => {
        expect(await pagesOf(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(await pagesOf(bytes));
      }),
    );
  });
});

describe('the poll', () => {
  it('asks for the area as the API wants it, and keeps the key out of sight', async () => {
    const source = resolvedSource({
      type: 'nasa-firms',
      baseUrl: 'https://firms.example',
      params: { mapKey: 'the/map-key', dataset: 'MODIS_NRT', bbox: [-124.48, 32.53, -114.13, 42.01], dayRange: 2 },
    });
    const http = createScriptedHttp(() => `${modis}\n${modisRow}\n`);
    const { records, error } = await pollAll(createNasaFirms(source), source, http);
    expect(error).toBeNull();
    expect(records).toHaveLength(1);
    expect(http.requests[0]?.url.href).toBe(
      'https://firms.example/api/area/csv/the%2Fmap-key/MODIS_NRT/-124.48,32.53,-114.13,42.01/2',
    );
    expect(http.requests[0]).toMatchObject({ credential: 'the/map-key', accept: expect.stringContaining('text/csv') });
  });

  const viirsSource = (params: Readonly<Record<string, unknown>> = {}) =>
    resolvedSource({
      type: 'nasa-firms',
      baseUrl: 'https://firms.example',
      params: { mapKey: 'the-map-key', bbox: [-124.48, 32.53, -114.13, 42.01], ...params },
    });
  const noon = Date.parse('2025-07-10T12:00:00Z');
  const window = { sinceMs: null, untilMs: noon };
  /** The end of a path: days, or days and date. */
  const asked = (http: { readonly requests: readonly { readonly url: URL }[] }): readonly string[] =>
    http.requests
      .map(({ url }) => url.pathname.split(/-?\d+[.]\d+,?/).at(-1) ?? '')
      .map((text) => text.replace(/^\//, ''));
  const available = (first: string, last: string) => `data_id,min_date,max_date\nVIIRS_SNPP_SP,${first},${last}\n`;

  it('goes on at the range where it was cut off, and says what each request costs', async () => {
    const source = viirsSource({ dayRange: 7 });
    const rows = (path: string): string => `${viirs}\n${rowWith({ acq_date: path.slice(-10) })}\n`;
    const http = createScriptedHttp(rows);
    const { pages } = await pollAll(createNasaFirms(source), source, http, null, { window });
    expect(asked(http)).toEqual(['5/2025-07-04', '2/2025-07-09']);
    expect(http.requests.map(({ cost }) => cost)).toEqual([5, 2]);
    expect(pages.map(({ position }) => position)).toEqual([{ day: '2025-07-09' }, null]);
    const again = createScriptedHttp(rows);
    await pollAll(createNasaFirms(source), source, again, { day: '2025-07-09' }, { window });
    expect(asked(again)).toEqual(['2/2025-07-09']);
    const other = createScriptedHttp(rows);
    await pollAll(createNasaFirms(source), source, other, { rows: 5000 }, { window });
    expect(asked(other)).toHaveLength(2);
  });

  it('hands on the receipt of each answer with its last page, and gives a page for one without news', async () => {
    const source = viirsSource({ dayRange: 7 });
    const http = createScriptedHttp((path) => `${viirs}\n${rowWith({ acq_date: path.slice(-10) })}\n`);
    const receipts: HttpClient = {
      fetch: async (request) => {
        const response = await http.fetch(request);
        const { pathname } = request.url;
        return pathname.endsWith('2025-07-04')
          ? { ...response, receipt: () => ({ request: pathname, answer: 'a' }) }
          : { ...response, unchanged: 'not_modified' as const };
      },
    };
    const { pages, error } = await pollAll(createNasaFirms(source), source, receipts, null, { window });
    expect(error).toBeNull();
    expect(pages).toMatchObject([
      { records: [{}], receipts: [{ request: expect.stringContaining('5/2025-07-04'), answer: 'a' }] },
      { records: [], invalid: [], unchanged: 'not_modified', position: null },
    ]);
  });

  it('of a standard product reads the days that it has grown by, and keeps the last one as its cursor', async () => {
    const source = viirsSource({ dataset: 'VIIRS_SNPP_SP' });
    const answer = (path: string): string =>
      path.includes('data_availability') ? available('2012-01-20', '2025-04-30') : `${viirs}\n${viirsRow}\n`;
    const http = createScriptedHttp(answer);
    const first = await pollAll(createNasaFirms(source), source, http, null, { window });
    expect(first.pages.map(({ cursor }) => cursor)).toEqual(['2025-04-30']);
    await pollAll(createNasaFirms(source), source, http, null, { window, cursor: '2025-04-23' });
    expect(asked(http).filter((text) => text.includes('/2025'))).toEqual([
      '1/2025-04-30',
      '5/2025-04-24',
      '2/2025-04-29',
    ]);
    // An operator has said from when on it asks.
    const set = createScriptedHttp(answer);
    const from = { ...window, sinceMs: Date.parse('2025-04-28T12:00:00Z') };
    await pollAll(createNasaFirms(source), source, set, null, { window: from });
    expect(asked(set).at(-1)).toBe('3/2025-04-28');
  });

  it('of the past asks for whole days, and refuses what the data set does not have', async () => {
    const http = createScriptedHttp((path) =>
      path.includes('data_availability') ? available('2012-01-20', '2025-04-30') : `${viirs}\n${viirsRow}\n`,
    );
    const source = viirsSource({ dataset: 'VIIRS_SNPP_SP' });
    const connector = createNasaFirms(source);
    const past = (from: string, to: string) => ({
      isBackfill: true,
      window: { sinceMs: Date.parse(from), untilMs: Date.parse(to) },
    });
    const fits = await pollAll(connector, source, http, null, past('2025-04-01', '2025-04-06'));
    expect(fits.error).toBeNull();
    expect(fits.pages.map(({ cursor }) => cursor)).toEqual([undefined]);
    const beyond = await pollAll(connector, source, http, null, past('2025-04-28', '2025-05-03'));
    expect(codeOf(beyond.error)).toBe('range_unavailable');
    expect(String(beyond.error)).toContain('2025-04-28 to 2025-05-02 was asked for');
    expect(asked(http).filter((text) => text.includes('/2025'))).toEqual(['5/2025-04-01']);
    expect(connector.backfill?.sliceMs).toBe(5 * 86_400_000);
  });

  it.each([
    { status: 400, text: 'Invalid MAP_KEY.', code: 'credentials_refused' },
    { status: 403, text: 'Exceeding allowed transaction limit', code: 'rate_limited' },
    { status: 400, text: 'Invalid source.', code: 'fetch_status' },
    { status: 500, text: '', code: 'fetch_status' },
  ])('that is refused with $status "$text" fails as $code', async ({ status, text, code }) => {
    const source = viirsSource();
    const http = createScriptedHttp(() => statusError(status, text));
    expect(codeOf((await pollAll(createNasaFirms(source), source, http)).error)).toBe(code);
  });
});
