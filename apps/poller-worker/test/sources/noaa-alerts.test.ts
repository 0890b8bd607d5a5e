import { codeOf } from '@stream-manager/shared/failures/errors';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNoaaAlerts, parseAlerts } from '../../src/sources/noaa-alerts.ts';
import { resolvedSource } from './resolved-source.ts';
import { createScriptedHttp, pollAll, type Scripted, withReceipts } from './scripted-http.ts';

const id = 'urn:oid:2.49.0.1.840.0.0123.002.1';
const polygon = {
  type: 'Polygon',
  coordinates: [
    [
      [-118, 34],
      [-117, 34],
      [-117, 35],
      [-118, 34],
    ],
  ],
};

const source = resolvedSource({ type: 'noaa-alerts', baseUrl: 'https://nws.example', params: { area: 'CA,NV' } });
const connector = createNoaaAlerts(source);

/** As api.weather.gov gives an alert. */
const alert = (changes: Readonly<Record<string, unknown>> = {}, feature: Readonly<Record<string, unknown>> = {}) => ({
  id: `https://api.weather.gov/alerts/${id}`,
  type: 'Feature',
  geometry: polygon,
  properties: {
    '@id': `https://api.weather.gov/alerts/${id}`,
    '@type': 'wx:Alert',
    id,
    areaDesc: 'Santa Clarita Valley',
    geocode: { SAME: ['006037'], UGC: ['CAZ088'] },
    affectedZones: ['https://api.weather.gov/zones/forecast/CAZ088'],
    references: [],
    sent: '2025-01-04T01:02:00-08:00',
    effective: '2025-01-04T01:02:00-08:00',
    onset: '2025-01-04T10:00:00-08:00',
    expires: '2025-01-04T18:00:00-08:00',
    ends: null,
    status: 'Actual',
    messageType: 'Alert',
    category: 'Met',
    severity: 'Severe',
    certainty: 'Likely',
    urgency: 'Expected',
    event: 'Red Flag Warning',
    sender: 'w-nws.webmaster@noaa.gov',
    senderName: 'NWS Los Angeles/Oxnard CA',
    headline: 'Red Flag Warning issued',
    description: '* WHAT...Winds.\n\n* WHERE..."Here".',
    instruction: null,
    response: 'Monitor',
    parameters: {},
    ...changes,
  },
  ...feature,
});

const parse = (...features: unknown[]) => parseAlerts({ type: 'FeatureCollection', features });
const one = (feature: unknown): SourceRecord => {
  const { records, invalid } = parse(feature);
  expect(invalid).toEqual([]);
  return records[0]!;
};

describe('an alert', () => {
  it('becomes a record, its times in UTC', () => {
    expect(one(alert())).toEqual({
      type: 'weather-alert',
      naturalKey: id,
      observedAtMs: Date.parse('2025-01-04T09:02:00Z'),
      partitionKey: id,
      data: {
        alertId: id,
        event: 'Red Flag Warning',
        headline: 'Red Flag Warning issued',
        description: '* WHAT...Winds.\n\n* WHERE..."Here".',
        instruction: null,
        severity: 'Severe',
        certainty: 'Likely',
        urgency: 'Expected',
        areaDescription: 'Santa Clarita Valley',
        effective: '2025-01-04T09:02:00.000Z',
        onset: '2025-01-04T18:00:00.000Z',
        expires: '2025-01-05T02:00:00.000Z',
        ends: null,
        status: 'Actual',
        messageType: 'Alert',
        category: 'Met',
        sender: 'w-nws.webmaster@noaa.gov',
        references: [],
        geometry: polygon,
      },
    });
  });

  it('lies in the partition of the first alert that it refers to', () => {
    const references = [{ '@id': 'x', identifier: 'urn:first', sender: 's', sent: 't' }, { identifier: 'urn:second' }];
    expect(one(alert({ references, messageType: 'Cancel' }))).toMatchObject({
      naturalKey: id,
      partitionKey: 'urn:first',
      data: { references: ['urn:first', 'urn:second'], messageType: 'Cancel' },
    });
  });

  it.each([
    {
      name: 'a point',
      geometry: { type: 'Point', coordinates: [-118.5, 34.5] },
      location: { latitude: 34.5, longitude: -118.5 },
    },
    { name: 'a polygon', geometry: polygon, location: undefined },
    { name: 'nothing', geometry: null, location: undefined },
  ])('with $name for a geometry has the location $location', ({ geometry, location }) => {
    const record = one(alert({}, { geometry }));
    expect(record.location).toEqual(location);
    expect(record.data['geometry']).toEqual(geometry);
  });

  it('lies with the message that was sent first, in whatever order they are named', () => {
    const references = [
      { identifier: 'urn:second', sent: '2025-01-04T09:00:00-08:00' },
      { identifier: 'urn:first', sent: '2025-01-04T16:00:00+00:00' },
    ];
    const record = parse(alert({ references })).records[0];
    expect(record?.partitionKey).toBe('urn:first');
    expect(record?.data['references']).toEqual(['urn:second', 'urn:first']);
  });

  it('has every name of the contract even when NWS gives hardly any', () => {
    const bare = one({ properties: { id, sent: '2025-01-04T09:02:00Z', event: 'Wind Advisory' } });
    expect(Object.keys(bare.data)).toEqual(Object.keys(one(alert()).data));
    expect(Object.values(bare.data).filter((value) => value !== null)).toEqual([id, 'Wind Advisory', []]);
  });

  it.each([
    {
      name: 'no id, although its address has it',
      feature: alert({ id: undefined }),
      reason: 'missing_value',
      says: 'id',
    },
    { name: 'no time', feature: alert({ sent: null }), reason: 'missing_value', says: 'sent' },
    { name: 'a time that is none', feature: alert({ sent: 'shortly after noon' }), reason: 'bad_time', says: 'sent' },
    {
      name: 'an end that is no time',
      feature: alert({ ends: '2025-02-30T00:00:00Z' }),
      reason: 'bad_time',
      says: 'ends',
    },
    { name: 'no event', feature: alert({ event: '' }), reason: 'missing_value', says: 'event' },
    { name: 'a headline that is no text', feature: alert({ headline: 5 }), reason: 'wrong_shape', says: 'headline' },
    { name: 'references without ids', feature: alert({ references: [{}] }), reason: 'wrong_shape', says: 'references' },
    {
      name: 'references that are no list',
      feature: alert({ references: 'x' }),
      reason: 'wrong_shape',
      says: 'references',
    },
    {
      name: 'a geometry that is none',
      feature: alert({}, { geometry: 'here' }),
      reason: 'wrong_shape',
      says: 'geometry',
    },
    {
      name: 'a point that is nowhere',
      feature: alert({}, { geometry: { type: 'Point', coordinates: [0, 91] } }),
      reason: 'out_of_range',
      says: 'latitude',
    },
    { name: 'no properties', feature: { id }, reason: 'wrong_shape', says: 'properties' },
    { name: 'nothing in it', feature: null, reason: 'wrong_shape', says: 'found null' },
  ])('with $name is invalid, and harms no other', ({ feature, reason, says }) => {
    const { records, invalid } = parse(alert(), feature, alert());
    expect(records).toHaveLength(2);
    expect(invalid).toEqual([{ raw: JSON.stringify(feature), reason, message: expect.stringContaining(says) }]);
    expect(connector.parseRow({ raw: JSON.stringify(feature), context: '' })).toEqual(invalid[0]);
  });

  it('that is parsed again is the record that its answer would have given', () => {
    expect(connector.parseRow({ raw: JSON.stringify(alert()), context: '' })).toEqual(parse(alert()).records[0]);
    expect(connector.parseRow({ raw: 'no JSON', context: '' })).toMatchObject({ raw: 'no JSON', reason: 'unreadable' });
  });
});

describe('an answer', () => {
  it.each([[null], [[]], [{}], ['text'], [{ features: {} }]])('that is %j is unreadable', (answer) => {
    let error: unknown;
    try {
      parseAlerts(answer);
    } catch (thrown) {
      error = thrown;
    }
    expect(codeOf(error)).toBe('response_unreadable');
  });

  it('whatever stands in it, has as many rows as features', () => {
    const feature = fc.oneof(
      fc.jsonValue(),
      fc.record({ properties: fc.jsonValue(), geometry: fc.jsonValue() }),
      fc
        .tuple(fc.constantFrom(...Object.keys(alert().properties)), fc.jsonValue())
        .map(([name, value]) => alert({ [name]: value })),
    );
    fc.assert(
      fc.property(fc.array(feature), (features) => {
        const { records, invalid } = parse(...features);
        expect(records.length + invalid.length).toBe(features.length);
      }),
    );
  });
});

describe('the poll', () => {
  const poll = (answer: (path: string) => Scripted, position: unknown = null) => {
    const http = createScriptedHttp(answer);
    return pollAll(connector, source, http, position).then((result) => ({
      ...result,
      paths: http.requests.map(({ url }) => decodeURIComponent(`${url.pathname}${url.search}`)),
    }));
  };

  it('is one request for what is actual in the area, updates and cancellations too', async () => {
    const { pages, paths, error } = await poll(() => ({ features: [alert()] }));
    expect(error).toBeNull();
    expect(paths).toEqual(['/alerts/active?area=CA,NV&status=actual']);
    expect(pages).toMatchObject([{ records: [{ naturalKey: id }], position: null }]);
  });

  it('reads on where the answer is paged, and can go on at a page', async () => {
    const answer = (path: string): Scripted =>
      path.includes('cursor=2')
        ? { features: [alert({ id: 'urn:2' })] }
        : { features: [alert({ id: 'urn:1' })], pagination: { next: 'https://nws.example/alerts/active?cursor=2' } };
    const whole = await poll(answer);
    expect(whole.records.map((record) => record.naturalKey)).toEqual(['urn:1', 'urn:2']);
    const rest = await poll(answer, whole.pages[0]?.position);
    expect(rest.records.map((record) => record.naturalKey)).toEqual(['urn:2']);
  });

  const pageOf = (number: number, next: number): Scripted => ({
    features: [alert({ id: `urn:${number}` })],
    pagination: { next: `https://nws.example/alerts/active?cursor=${next}` },
  });
  const numberIn = (path: string): number => Number(/cursor=(\d+)/.exec(path)?.[1] ?? 0);

  it('ends where a link leads to a page that was read', async () => {
    const { records, error } = await poll((path) => pageOf(numberIn(path), (numberIn(path) % 2) + 1));
    expect([error, records.map(({ naturalKey }) => naturalKey)]).toEqual([null, ['urn:0', 'urn:1', 'urn:2']]);
  });

  it('of more pages than it may ask for fails, and the next one goes on there: none is left out without a word', async () => {
    const answer = (path: string): Scripted => pageOf(numberIn(path), numberIn(path) + 1);
    const first = await poll(answer);
    expect([codeOf(first.error), first.records.length]).toEqual(['response_unreadable', 100]);
    const second = await poll(answer, first.pages.at(-1)?.position);
    expect(second.records[0]?.naturalKey).toBe('urn:100');
  });

  it.each([
    { position: { next: 'https://elsewhere.example/alerts/active?cursor=2' } },
    { position: { next: 5 } },
    { position: 'x' },
  ])('begins anew with a position that leads nowhere: $position', async ({ position }) => {
    const { paths } = await poll(() => ({ features: [] }), position);
    expect(paths).toEqual(['/alerts/active?area=CA,NV&status=actual']);
  });

  it('that an alert is gone from makes no record of it: only a Cancel message cancels', async () => {
    const first = await poll(() => ({ features: [alert({ id: 'urn:1' }), alert({ id: 'urn:2' })] }));
    const cancel = alert({ id: 'urn:3', messageType: 'Cancel', references: [{ identifier: 'urn:2' }] });
    const second = await poll(() => ({ features: [cancel] }));
    expect(first.records.map(({ data }) => data['messageType'])).not.toContain('Cancel');
    // urn:1 is gone without a word, and nothing is said of it.
    expect(second.records.map(({ naturalKey, partitionKey }) => [naturalKey, partitionKey])).toEqual([
      ['urn:3', 'urn:2'],
    ]);
    expect(second.records[0]?.data).toMatchObject({ messageType: 'Cancel', references: ['urn:2'] });
  });

  it('hands on the receipt of an answer of one page only: one of several would come without the way to the next', async () => {
    const address = '/alerts/active?area=CA%2CNV&status=actual';
    const features = [alert()];
    const single = await pollAll(connector, source, withReceipts(createScriptedHttp(() => ({ features }))));
    expect(single.pages).toMatchObject([{ receipts: [{ request: address }] }]);
    const next = 'https://nws.example/alerts/active?cursor=2';
    const paged = createScriptedHttp((path) =>
      path.includes('cursor=2') ? { features } : { features, pagination: { next } },
    );
    const both = await pollAll(connector, source, withReceipts(paged));
    expect(both.pages.map(({ receipts }) => receipts?.length ?? 0)).toEqual([0, 1]);
  });

  it('of an answer without news is a page without rows', async () => {
    const http = withReceipts(
      createScriptedHttp(() => ''),
      ['/alerts/active?area=CA%2CNV&status=actual'],
    );
    expect((await pollAll(connector, source, http)).pages).toEqual([
      { records: [], invalid: [], position: null, unchanged: 'not_modified' },
    ]);
  });

  it('ends with a page that names itself as the next', async () => {
    const next = 'https://nws.example/alerts/active?area=CA%2CNV&status=actual';
    const { paths, error } = await poll(() => ({ features: [alert()], pagination: { next } }));
    expect(error).toBeNull();
    expect(paths).toHaveLength(1);
  });
});
