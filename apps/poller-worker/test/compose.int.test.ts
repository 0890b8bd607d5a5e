import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { configSchema } from '@stream-manager/shared/config/schema';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { composePoller, composePollerWorker } from '../src/compose.ts';
import { openPollerBundle, type PollerBundle, sourceId } from './poller-bundle.ts';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
const rows = [
  '39.7596,-121.6219,328.4,0.39,0.36,2026-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D',
  '39.8596,-121.6219,367,0.39,0.36,2026-01-04,5,N,VIIRS,h,2.0NRT,298.2,250.1,D',
  'not-a-latitude,-121.6219,328.4,0.39,0.36,2026-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D',
];

/** A provider that answers every request alike, and keeps what it was asked. */
const openProvider = async (beforeAnswer: () => Promise<void> = async () => {}) => {
  const asked: { readonly path: string; readonly userAgent: string }[] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', userAgent: request.headers['user-agent'] ?? '' });
    response.setHeader('content-type', 'text/csv');
    void beforeAnswer().then(() => response.end(`${[header, ...rows].join('\n')}\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    baseUrl: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const firms = (baseUrl: string) => ({
  [sourceId]: {
    type: 'nasa-firms',
    baseUrl,
    params: { mapKey: 'mapkey-0123456789', dataset: 'VIIRS_SNPP_NRT', bbox: [-125, 32, -114, 42], dayRange: 1 },
  },
});

const run = async (poller: PollerBundle, scheduledFor: number): Promise<unknown> => {
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  try {
    return (await poller.pollOnce(scheduledFor)).returnvalue;
  } finally {
    await worker.stop();
  }
};

describe('the poller as a whole', () => {
  it('fetches a provider, admits its rows with stable ids, and keeps a bad row with its reason', async () => {
    await using provider = await openProvider();
    await using poller = await openPollerBundle({}, { sources: firms(provider.baseUrl) });
    expect(await run(poller, 1)).toEqual({ outcome: 'ok', records: 2 });
    expect(await run(poller, 2)).toEqual({ outcome: 'ok', records: 0 });

    const stored = await poller.stored();
    expect(stored.map((envelope) => envelope.priority)).toEqual(['critical', 'high']);
    expect(stored[0]).toMatchObject({
      sourceId,
      type: 'fire-detection',
      observedAt: '2026-01-04T00:05:00.000Z',
      location: { latitude: 39.8596, longitude: -121.6219 },
      data: { satellite: 'N', frpMw: 250.1, brightnessK: 367 },
    });
    const letters = await poller.letters.getJobs(['waiting']);
    expect(letters.map((letter) => letter.data.raw)).toEqual([rows[2]]);
    expect(provider.asked).toHaveLength(2);
    expect(provider.asked[0]!.userAgent).toContain('StreamManager/');
    const scrape = await poller.metrics.registry.metrics();
    expect(scrape).toContain(`stream_manager_fetch_seconds_count{source="${sourceId}"} 2`);
    const everything = await poller.redis.keys(`${poller.keyPrefix}*`);
    expect(everything.join()).not.toContain('mapkey');
  });

  it('lets a running poll end and its records be stored, when its intake is to finish', async () => {
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await using provider = await openProvider(() => answered);
    await using poller = await openPollerBundle({}, { sources: firms(provider.baseUrl) });
    const worker = composePollerWorker(poller.context());
    await worker.start(new AbortController().signal);
    const running = await poller.polls.add('poll', { sourceId, scheduledFor: 1 }, { priority: 2 });
    await waitUntil('the provider to be asked', () => provider.asked.length === 1);
    const finished = worker.finishIntake?.();
    answer();
    await finished;
    expect(await running.getState()).toBe('completed');
    expect(await poller.stored()).toHaveLength(2);
    await worker.stop();
  });

  it('gives the same reading the same id in every installation, and another one in another source', async () => {
    await using provider = await openProvider();
    const idsOf = async (): Promise<readonly string[]> => {
      await using poller = await openPollerBundle({}, { sources: firms(provider.baseUrl) });
      await run(poller, 1);
      return (await poller.stored()).map((envelope) => envelope.id);
    };
    const ids = await idsOf();
    expect(ids).toHaveLength(2);
    expect(await idsOf()).toEqual(ids);

    const other = { ...firms(provider.baseUrl), other: firms(provider.baseUrl)[sourceId] };
    await using poller = await openPollerBundle({}, { sources: other });
    const worker = composePollerWorker(poller.context());
    await worker.start(new AbortController().signal);
    const job = await poller.polls.add('poll', { sourceId: 'other', scheduledFor: 1 }, { priority: 2 });
    expect((await poller.until(job.id!, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 2 });
    await worker.stop();
    const chunks = await poller.redis.zrange(`${poller.keyPrefix}:{other}:index`, 0, -1);
    const taken = await Promise.all(chunks.map((chunk) => poller.store.take('other', chunk)));
    const text = taken.map((chunk) => chunk!.payload.toString('latin1')).join();
    expect(text).toContain('"sourceId":"other"');
    for (const id of ids) expect(text).not.toContain(id);
  });
});

describe('a config that this poller cannot serve', () => {
  const mqtt = { type: 'mqtt', params: { url: 'mqtt://127.0.0.1', topics: ['a'] } };
  const withoutMqtt = (type: string): never => {
    throw new StreamManagerError('source_unsupported', `no connector for source type ${type}`);
  };

  it('is refused, with every source named', async () => {
    await using poller = await openPollerBundle({}, { sources: { one: mqtt, two: mqtt } });
    const compose = () => composePoller(poller.context(), withoutMqtt);
    expect(compose).toThrow(StreamManagerError);
    expect(compose).toThrow(/sources\.one: .*mqtt[^]*sources\.two: .*mqtt[^]*enabled: false/);
  });

  it('is served when those sources are disabled', async () => {
    await using poller = await openPollerBundle({}, { sources: { one: { ...mqtt, enabled: false } } });
    const worker = composePoller(poller.context(), withoutMqtt);
    await worker.start(new AbortController().signal);
    const job = await poller.polls.add('poll', { sourceId: 'one', scheduledFor: 1 }, { priority: 1 });
    expect((await poller.until(job.id!, 'completed')).returnvalue).toEqual({ outcome: 'unknown_source' });
    await worker.stop();
  });

  it('is served without the secret of a disabled source, whose polls then say what is missing', async () => {
    const source = { ...firms('http://127.0.0.1:1')[sourceId], enabled: false };
    const unset = { ...source, params: { ...source.params, mapKey: '${FIRMS_MAP_KEY}' } };
    await using poller = await openPollerBundle({}, { sources: { [sourceId]: unset } });
    expect(configSchema.safeParse({ sources: { [sourceId]: unset } }).success).toBe(true);
    const worker = composePollerWorker(poller.context());
    await worker.start(new AbortController().signal);
    // Nobody polls a disabled source but a person who asks for it.
    await addPoll(poller.polls, { sourceId, scheduledFor: 1, priority: 1, isRequested: true });
    const job = await poller.until(`${sourceId}.1`, 'failed');
    await worker.stop();
    expect(job.failedReason).toContain('needs FIRMS_MAP_KEY');
  });
});
