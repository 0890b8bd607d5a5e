// A process of its own that polls an API of rows at an address, so that what it takes is nobody else's:
// `large-answer-child.ts <address> <form>`, with --expose-gc. Prints what `printHeld` measures.
import { tmpdir } from 'node:os';
import { createHttp } from '../../../src/sources/http.ts';
import { printHeld } from '../held-memory.ts';
import { createRealHttp } from '../real-http.ts';
import { resolvedSource } from '../resolved-source.ts';

const [baseUrl = '', format = ''] = process.argv.slice(2);

const source = (path: string) =>
  resolvedSource({
    type: 'http',
    baseUrl,
    params: {
      request: { path },
      format,
      id: 'id',
      time: 't',
      timeFormat: 'unix_s',
      fields: { note: 'note', n: { path: 'id', type: 'number' } },
    },
  });

const spool = { aboveBytes: 1_048_576, directory: tmpdir() };
const clients = createRealHttp({ maxResponseBytes: 67_108_864, spool });
await printHeld({ clients, factory: createHttp(), small: source('/small'), large: source('/large'), everyPages: 5 });
await clients.close();
