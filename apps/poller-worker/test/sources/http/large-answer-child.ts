// A process of its own that polls an API of rows at an address, so that what it takes is nobody else's:
// `large-answer-child.ts <address> <form>`, with --expose-gc. First a small answer to warm up, then the large one. Prints its
// rows and how much more memory was held at most while it was used up than before, as JSON; garbage does not count.
import { tmpdir } from 'node:os';
import { after } from '@stream-manager/shared/ops/after';
import { createHostShares } from '../../../src/http/host-share.ts';
import { createHttpClient } from '../../../src/http/undici-client.ts';
import { createHttp } from '../../../src/sources/http.ts';
import { createOpenRateLimit } from '../../http/open-rate-limit.ts';
import { resolvedSource } from '../resolved-source.ts';

const [baseUrl = '', format = ''] = process.argv.slice(2);

const clients = createHttpClient({
  rateLimit: createOpenRateLimit(),
  hostShares: createHostShares({ after }, { concurrency: 32 }),
  maxResponseBytes: 67_108_864,
  userAgent: 'test',
  spool: { aboveBytes: 1_048_576, directory: tmpdir() },
});

const poll = async (path: string, onPage: () => void): Promise<number> => {
  const source = resolvedSource({
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
  const { signal } = new AbortController();
  const http = clients.forPoll({ source, signal });
  let rows = 0;
  const window = { sinceMs: null, untilMs: 0 };
  const first = { source, position: null, scheduledFor: 0, cursor: null, window, isBackfill: false };
  for await (const page of createHttp()(source).poll({ ...first, maxInvalidShare: 0.5, http, signal })) {
    rows += page.records.length;
    onPage();
  }
  return rows;
};

const held = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

await poll('/small', () => {});
const before = held();
let most = before;
let pages = 0;
const rows = await poll('/large', () => {
  if (pages % 5 === 0) most = Math.max(most, held());
  pages += 1;
});
await clients.close();
console.log(JSON.stringify({ rows, heldBytes: most - before }));
