// Mappings as the config gives them, for tests: parsed by the real schema.
import type { MappingSettings } from '@stream-manager/shared/config/source-params/mapping';
import { createMapper, type Mapper } from '../../src/mapping/mapper.ts';
import { resolvedSource } from '../sources/resolved-source.ts';

const mappingOf = (given: Readonly<Record<string, unknown>>): MappingSettings => {
  const source = resolvedSource({ type: 'http', baseUrl: 'https://api.example.org', params: { time: 't', ...given } });
  if (source.type !== 'http') throw new Error('expected a source of type http');
  const { time, ...params } = source.params;
  // A mapping without a time is one of push; http has to have one.
  return 'time' in given ? { time, ...params } : params;
};

export const mapperOf = (given: Readonly<Record<string, unknown>>): Mapper =>
  createMapper({ ...mappingOf(given), recordType: 'record' });
