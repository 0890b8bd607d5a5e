// A process of its own that polls FIRMS at an address, so that what it takes is nobody else's: `large-answer-child.ts
// <address> <bytes kept in memory>`, with --expose-gc. Prints what `printHeld` measures.
import { tmpdir } from 'node:os';
import { createNasaFirms } from '../../src/sources/nasa-firms.ts';
import { printHeld } from './held-memory.ts';
import { createRealHttp } from './real-http.ts';
import { resolvedSource } from './resolved-source.ts';

const [baseUrl = '', aboveBytes = ''] = process.argv.slice(2);

const source = (dataset: string) =>
  resolvedSource({
    type: 'nasa-firms',
    baseUrl,
    params: { mapKey: 'key', dataset, bbox: [-125, 32, -114, 42], dayRange: 1 },
  });

const spool = { aboveBytes: Number(aboveBytes), directory: tmpdir() };
const clients = createRealHttp({ maxResponseBytes: 67_108_864, spool });
const [small, large] = [source('VIIRS_NOAA20_NRT'), source('VIIRS_SNPP_NRT')];
await printHeld({ clients, factory: createNasaFirms, small, large, everyPages: 10 });
await clients.close();
