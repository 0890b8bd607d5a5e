import { type SourceType, sourceTypes } from '@stream-manager/shared/config/source-types';
import { codeOf } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { createSourceRegistry } from '../../src/sources/registry.ts';
import { resolvedSource } from './resolved-source.ts';

const bbox = [-124, 32, -114, 42];
const params: Readonly<Record<SourceType, unknown>> = {
  'nasa-firms': { mapKey: 'key', bbox },
  'noaa-stations': { stations: ['KLAX'] },
  'noaa-alerts': { area: 'CA' },
  'noaa-forecasts': { gridpoints: ['LOX/154,45'] },
  purpleair: { apiKey: 'key', bbox },
  airnow: { apiKey: 'key', zipCodes: ['90012'] },
  metar: { stations: ['KLAX'] },
  http: { time: 't' },
  mqtt: { url: 'mqtt://broker:1883', topics: ['sensors/+/temperature'] },
  push: { token: '0123456789abcdef' },
  custom: { module: './own.ts' },
};
const own = () => ({ poll: () => {}, parseRow: () => {} });
const registry = createSourceRegistry({
  extensions: { modes: new Map(), sources: new Map([['a-source', own]]) },
});
const codeThrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return codeOf(error);
  }
  return 'nothing thrown';
};

describe('the registry', () => {
  it.each(sourceTypes)('has a connector for %s, which takes its own type only', (type) => {
    const factory = registry(type);
    const baseUrl = type === 'http' ? { baseUrl: 'https://api.example.org' } : {};
    expect(factory(resolvedSource({ type, params: params[type], ...baseUrl }))).toHaveProperty('poll');
    const other = type === 'purpleair' ? 'noaa-alerts' : 'purpleair';
    expect(codeThrownBy(() => factory(resolvedSource({ type: other, params: params[other] })))).toBe(
      'source_unsupported',
    );
  });

  it('says which types there are when it has none', () => {
    expect(() => registry('carrier-pigeon')).toThrow(
      'nasa-firms, noaa-stations, noaa-alerts, noaa-forecasts, purpleair',
    );
    expect(codeThrownBy(() => registry('toString'))).toBe('source_unsupported');
  });
});
