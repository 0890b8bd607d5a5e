// An answer is fetched whole before its chunks go in: a queue that is full for longer than any timeout of the fetch costs
// the provider no second request.

import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, it } from 'vitest';
import { composePollerWorker } from '../src/compose.ts';
import { startTestServer } from './http/test-server.ts';
import { openPollerBundle, type PollerBundle, sourceId } from './poller-bundle.ts';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight\n';
const rows = 5_500;
const answer =
  header +
  Array.from(
    { length: rows },
    (_, at) =>
      `39.7596,-121.${String(at).padStart(4, '0')},328.4,0.39,0.36,2026-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D\n`,
  ).join('');

/** A whole exchange may last ten of these. */
const timeoutSeconds = 0.2;

const firms = (baseUrl: string) => ({
  [sourceId]: {
    type: 'nasa-firms',
    baseUrl,
    timeoutSeconds,
    params: { mapKey: 'mapkey-0123456789', dataset: 'VIIRS_SNPP_NRT', bbox: [-125, 32, -114, 42], dayRange: 1 },
  },
});

const total = async (poller: PollerBundle): Promise<number> =>
  (await poller.store.counts([sourceId])).get(sourceId)?.total ?? 0;

/** As a producer does it: all that lies in the queue is settled, and its jobs are gone. */
const drain = async (poller: PollerBundle): Promise<void> => {
  for (const job of await poller.records.getPrioritized()) {
    await poller.store.settle(sourceId, job.id!, null, job.data.records);
    await job.remove();
  }
};

it('waits for room as long as it takes, and asks its provider once', async () => {
  await using server = await startTestServer((_request, response) => void response.end(answer));
  const queue = { maxRecords: 1_000, criticalReserve: 0, chunkSize: 500, admitWaitMs: 60_000 };
  await using poller = await openPollerBundle({}, { sources: firms(server.origin), queue });
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  try {
    const jobId = await poller.poll();
    await waitUntil('the queue to be full', async () => (await total(poller)) === 1_000);
    const longestExchangeMs = timeoutSeconds * 10_000;
    const asked = server.arrivals[0]!.at;
    await waitUntil('every timeout to be over', () => performance.now() > asked + longestExchangeMs + 200);
    expect(await poller.polls.getJobState(jobId)).toBe('active');
    await waitUntil(
      'the poll to end',
      async () => {
        await drain(poller);
        return (await poller.polls.getJobState(jobId)) !== 'active';
      },
      { timeoutMs: 45_000 },
    );
    const job = await poller.until(jobId, 'completed');
    expect(job.returnvalue).toEqual({ outcome: 'ok', records: rows });
    expect(server.arrivals).toHaveLength(1);
  } finally {
    await worker.stop();
  }
});
