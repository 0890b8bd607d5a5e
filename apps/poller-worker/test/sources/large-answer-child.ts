// A process of its own that polls FIRMS at an address, so that what it takes is nobody else's: `large-answer-child.ts
// <address> <bytes kept in memory>`, with --expose-gc. First a small answer to warm up, then the large one. Prints its rows
// and how much more memory was held at most while it was used up than before, as JSON; what is only garbage does not count.
import { tmpdir } from 'node:os';
import { after } from '@stream-manager/shared/ops/after';
import { createHostShares } from '../../src/http/host-share.ts';
import { createHttpClient } from '../../src/http/undici-client.ts';
import { createNasaFirms } from '../../src/sources/nasa-firms.ts';
import { createOpenRateLimit } from '../http/open-rate-limit.ts';
import { resolvedSource } from './resolved-source.ts';

const [baseUrl = '', aboveBytes = ''] = process.argv.slice(2);

const clients = createHttpClient({
  rateLimit: createOpenRateLimit(),
  hostShares: createHostShares({ after }, { concurrency: 32 }),
  maxResponseBytes: 67_108_864,
  userAgent: 'test',
  spool: { aboveBytes: Number(aboveBytes), directory: tmpdir() },
});

const poll = async (dataset: string, onPage: () => void): Promise<number> => {
  const source = resolvedSource({
    type: 'nasa-firms',
    baseUrl,
    params: { mapKey: 'key', dataset, bbox: [-125, 32, -114, 42], dayRange: 1 },
  });
  const { signal } = new AbortController();
  const http = clients.forPoll({ source, signal });
  let rows = 0;
  const window = { sinceMs: null, untilMs: 0 };
  const first = { source, position: null, scheduledFor: 0, cursor: null, window, isBackfill: false };
  const context = { ...first, maxInvalidShare: 0.5, http, signal };
  for await (const page of createNasaFirms(source).poll(context)) {
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

await poll('VIIRS_NOAA20_NRT', () => {});
const before = held();
let most = before;
let pages = 0;
const rows = await poll('VIIRS_SNPP_NRT', () => {
  if (pages % 10 === 0) most = Math.max(most, held());
  pages += 1;
});
await clients.close();
console.log(JSON.stringify({ rows, heldBytes: most - before }));
