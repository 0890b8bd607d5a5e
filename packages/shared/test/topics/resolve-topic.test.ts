import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTopicResolver, type RoutedSource } from '../../src/topics/resolve-topic.ts';
import type { Routing } from '../../src/topics/routing-rule.ts';

const plain: Routing = { custom: {}, rules: [], patterns: [], default: 'wildfire-data' };

/** Resolves for a source that the config knows without a type or topic. */
const resolve = (sourceId: string, data?: Readonly<Record<string, unknown>>, routing: Partial<Routing> = {}) =>
  createTopicResolver({ ...plain, ...routing }, { [sourceId]: {} }).resolve(sourceId, data);

describe('built-in patterns', () => {
  // The table of the system that this one replaces, with our spelling of source ids added.
  it.each([
    ['firms_viirs_snpp', 'wildfire-nasa-firms'],
    ['FIRMS_VIIRS_NOAA20', 'wildfire-nasa-firms'],
    ['firms-california', 'wildfire-nasa-firms'],
    ['landsat_nrt', 'wildfire-nasa-firms'],
    ['noaa_stations_current', 'wildfire-weather-stations'],
    ['noaa-stations-california', 'wildfire-weather-stations'],
    ['noaa_alerts_active', 'wildfire-weather-alerts'],
    ['noaa_gridpoints_forecast', 'wildfire-weather-data'],
    ['wx_gfs_forecast', 'wildfire-weather-data'],
    ['wx_station_metar', 'wildfire-weather-data'],
    ['weather_x', 'wildfire-weather-data'],
    ['iot_weather_stations', 'wildfire-iot-sensors'],
    ['sensor_12', 'wildfire-iot-sensors'],
    ['sat_landsat_thermal', 'wildfire-satellite-data'],
    ['satellite_landsat', 'wildfire-satellite-data'],
    ['purpleair_california', 'wildfire-data'],
    ['firesat_detections', 'wildfire-data'],
    ['emergency_alert', 'wildfire-data'],
    ['my_alert', 'wildfire-data'],
    ['_alert_x', 'wildfire-alerts-generated'],
    ['_warning', 'wildfire-alerts-generated'],
    ['x_warning', 'wildfire-data'],
    ['iot_alert_1', 'wildfire-iot-sensors'],
    ['dynamic_iot', 'wildfire-data'],
    ['campfire_sensor', 'wildfire-data'],
    ['unknown', 'wildfire-data'],
  ])('send %s to %s', (sourceId, topic) => {
    expect(resolve(sourceId)).toEqual({ topic, rule: topic === 'wildfire-data' ? 'default' : 'pattern' });
  });
});

describe('built-in content rules', () => {
  it.each([
    ['firms_x', { data_type: 'satellite_image' }, 'wildfire-satellite-imagery'],
    ['firms_x', { dataType: 'satellite_image' }, 'wildfire-satellite-imagery'],
    ['firms_x', { data_type: 'Satellite_Image' }, 'wildfire-nasa-firms'],
    ['noaa_alerts_active', { event: 'Red Flag Warning', alert_id: 'a' }, 'wildfire-weather-alerts'],
    ['noaa_alerts_active', { event: 'Fire Weather Watch', alert_id: '' }, 'wildfire-weather-alerts'],
    ['noaa_alerts_active', { event: 'Wind Advisory', alert_id: 'urn:x' }, 'wildfire-alerts-generated'],
    ['noaa_alerts_active', { event: 'Wind Advisory', alertId: 'urn:x' }, 'wildfire-alerts-generated'],
    ['noaa_alerts_active', { event: 'Wind Advisory', alert_id: '' }, 'wildfire-weather-alerts'],
    ['iot_x', { alert_id: 0 }, 'wildfire-iot-sensors'],
    ['iot_x', { event: 123 }, 'wildfire-iot-sensors'],
    ['zzz', {}, 'wildfire-data'],
  ])('send %s with %j to %s', (sourceId, data, topic) => {
    expect(resolve(sourceId, data).topic).toBe(topic);
  });
});

describe('the order of what decides', () => {
  const routing: Routing = {
    custom: { mapped: 'by-custom', both: 'by-custom', noaa_alerts_active: 'by-custom' },
    rules: [
      { when: { field: 'event', equals: 'Wind Advisory' }, priority: 'high' },
      { when: { field: 'event', equals: 'Wind Advisory' }, topic: 'by-own-rule' },
      { when: { field: 'event', exists: true }, topic: 'by-second-rule' },
    ],
    patterns: [{ match: '^firms_', topic: 'by-own-pattern' }],
    default: 'by-default',
  };
  const sources = { fixed: { topic: 'by-source' }, both: { topic: 'by-source' }, mapped: {}, firms_x: {}, other: {} };
  const resolver = createTopicResolver(routing, sources);
  const event = { event: 'Wind Advisory', alertId: 'a' };

  it.each([
    { sourceId: 'fixed', data: event, topic: 'by-source', rule: 'source' },
    { sourceId: 'both', data: event, topic: 'by-source', rule: 'source' },
    { sourceId: 'mapped', data: event, topic: 'by-custom', rule: 'custom' },
    { sourceId: 'noaa_alerts_active', data: event, topic: 'by-custom', rule: 'custom' },
    { sourceId: 'NOAA_alerts_active', data: undefined, topic: 'wildfire-weather-alerts', rule: 'pattern' },
    { sourceId: 'firms_x', data: event, topic: 'by-own-rule', rule: 'content' },
    { sourceId: 'firms_x', data: { event: 'Red Flag' }, topic: 'by-second-rule', rule: 'content' },
    { sourceId: 'firms_x', data: { alertId: 'a' }, topic: 'wildfire-alerts-generated', rule: 'content' },
    { sourceId: 'firms_x', data: {}, topic: 'by-own-pattern', rule: 'pattern' },
    { sourceId: 'other', data: {}, topic: 'by-default', rule: 'default' },
    { sourceId: 'removed-from-the-config', data: event, topic: 'by-own-rule', rule: 'content' },
    { sourceId: '__proto__', data: {}, topic: 'by-default', rule: 'default' },
  ] as const)('$sourceId with $data: $rule', ({ sourceId, data, topic, rule }) => {
    expect(resolver.resolve(sourceId, data)).toEqual({ topic, rule });
  });

  it('matches patterns at the start of the id, as Python does', () => {
    expect(resolve('my_gauge', {}, { patterns: [{ match: 'gauge', topic: 't' }] }).rule).toBe('default');
    expect(resolve('gauge-1', {}, { patterns: [{ match: 'gauge|my', topic: 't' }] }).rule).toBe('pattern');
    expect(resolve('my_gauge', {}, { patterns: [{ match: 'gauge|my', topic: 't' }] }).rule).toBe('pattern');
  });

  it('knows every topic of a source, and of all', () => {
    expect(resolver.topicsOf('fixed')).toEqual(['by-source']);
    expect(resolver.topicsOf('mapped')).toEqual(['by-custom']);
    expect(resolver.topicsOf('firms_x')).toEqual([
      'by-own-pattern',
      'by-own-rule',
      'by-second-rule',
      'wildfire-satellite-imagery',
      'wildfire-weather-alerts',
      'wildfire-alerts-generated',
    ]);
    expect(resolver.allTopics()).toEqual([
      'by-custom',
      'by-default',
      'by-own-pattern',
      'by-own-rule',
      'by-second-rule',
      'by-source',
      'wildfire-alerts-generated',
      'wildfire-satellite-imagery',
      'wildfire-weather-alerts',
    ]);
  });
});

describe('the need for content', () => {
  const own: Routing = { ...plain, rules: [{ when: { field: 'frpMw', above: 100 }, topic: 'big' }] };
  it.each<{ name: string; routing: Routing; source: RoutedSource; expected: boolean }>([
    { name: 'a source with a topic', routing: own, source: { type: 'http', topic: 't' }, expected: false },
    {
      name: 'a type whose records meet no built-in rule',
      routing: plain,
      source: { type: 'nasa-firms' },
      expected: false,
    },
    { name: 'the same with a rule of the config', routing: own, source: { type: 'nasa-firms' }, expected: true },
    { name: 'alerts', routing: plain, source: { type: 'noaa-alerts' }, expected: true },
    { name: 'records as mapped', routing: plain, source: { type: 'http' }, expected: true },
    { name: 'a type that is not known', routing: plain, source: {}, expected: true },
    {
      name: 'a rule that raises priorities only',
      routing: { ...plain, rules: [{ when: { field: 'frpMw', above: 100 }, priority: 'high' }] },
      source: { type: 'nasa-firms' },
      expected: false,
    },
  ])('$name: $expected', ({ routing, source, expected }) => {
    const resolver = createTopicResolver(routing, { s: source });
    expect(resolver.needsContent('s')).toBe(expected);
  });
});

describe('any record', () => {
  const topic = fc.stringMatching(/^[a-zA-Z0-9_-]{1,30}$/);
  const field = fc.constantFrom('event', 'alert_id', 'alertId', 'data_type', 'frpMw', 'nested.value');
  const condition = fc.oneof(
    fc.record({ field, equals: fc.oneof(fc.string(), fc.double(), fc.boolean()) }),
    fc.record({ field, matches: fc.constantFrom('a', '^b+$', '[0-9]') }),
    fc.record({ field, above: fc.double({ noNaN: true }) }),
    fc.record({ field, below: fc.double({ noNaN: true }) }),
    fc.record({ field, exists: fc.boolean() }),
  );
  const sourceId = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);
  const routing = fc.record({
    custom: fc.dictionary(sourceId, topic, { maxKeys: 3 }),
    rules: fc.array(fc.record({ when: condition, topic: fc.option(topic, { nil: undefined }) }), { maxLength: 4 }),
    patterns: fc.array(fc.record({ match: fc.constantFrom('^a', 'b', '[c-f]_'), topic }), { maxLength: 3 }),
    default: topic,
  });
  const sources = fc.dictionary(
    sourceId,
    fc.record({
      type: fc.constantFrom('nasa-firms', 'noaa-alerts', 'http', undefined),
      topic: fc.option(topic, { nil: undefined }),
    }),
    { maxKeys: 4 },
  );

  it('resolves to a legal topic, one that was announced for its source', () => {
    fc.assert(
      fc.property(routing, sources, sourceId, fc.dictionary(field, fc.anything()), (config, known, id, data) => {
        const resolver = createTopicResolver(config, known);
        for (const one of [id, ...Object.keys(known)]) {
          const resolved = resolver.resolve(one, resolver.needsContent(one) ? data : undefined);
          expect(resolved.topic).toMatch(/^[a-zA-Z0-9._-]{1,249}$/);
          expect(resolver.topicsOf(one)).toContain(resolved.topic);
        }
      }),
    );
  });
});
