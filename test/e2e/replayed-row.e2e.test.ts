// A row that was no record, from its letter back into Kafka: Retry in Bull Board is BullMQ's retry of the letter's job.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deadLetterQueueAddress, openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, inject, it } from 'vitest';
import { startSystem } from './system.ts';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';
const today = new Date().toISOString().slice(0, 10);
const good = `39.7596,-121.6219,328.4,0.39,0.36,${today},1,N,VIIRS,n,2.0NRT,298.2,4.53,D`;
const right = `38.5,-120.25,328.4,0.39,0.36,${today},1,N,VIIRS,n,2.0NRT,298.2,7.5,D`;
const wrong = right.replace('7.5', '7.5MW');

/** FIRMS, as it answers until it is told otherwise. */
const openFirms = async () => {
  const state = { rows: [good, wrong], asked: 0 };
  const server = createServer((_request, response) => {
    state.asked += 1;
    response.setHeader('content-type', 'text/csv');
    response.end(`${[header, ...state.rows].join('\n')}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    state,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

it('a raw letter is one new letter as long as its row is wrong, and one record in Kafka once it is right', async () => {
  await using firms = await openFirms();
  const off = { enabled: false };
  await using system = await startSystem({
    redisUrl: inject('redisUrl'),
    kafkaBrokers: inject('kafkaBrokers'),
    // Each poll is to ask.
    sources: {
      firms: { baseUrl: firms.url, every: '1h', cacheTtlSeconds: 0 },
      stations: off,
      alerts: off,
      purpleair: off,
    },
  });
  const letters = openQueue(deadLetterQueueAddress(system.keyPrefix, 'firms'), system.redis, () => {});
  const polls = openQueue(pollQueueAddress(system.keyPrefix), system.redis, () => {});
  const patient = { timeoutMs: 90_000, intervalMs: 100 };
  await system.start('stream-manager');
  await system.act('firms', 'poll');

  const failedLetter = (replays: number) =>
    waitUntil(
      `the letter after ${replays} replays`,
      async () => {
        const [letter, ...more] = await letters.getFailed();
        return more.length === 0 && letter?.data.replays === replays ? letter : null;
      },
      patient,
    );
  const first = await failedLetter(0);
  expect(first.failedReason).toContain('frp: expected a number, found "7.5MW"');
  await first.retry();
  const second = await failedLetter(1);
  expect(second.id).toBe(first.id?.replace(/-0$/, '-1'));
  expect(second.data).toMatchObject({ raw: wrong, rawContext: header, firstFailedAt: first.data.firstFailedAt });

  // As somebody who has found out what the row should have been; a parser that understands it would do the same.
  await second.updateData({ ...second.data, raw: right });
  await second.retry();
  await waitUntil(
    'no letter to lie any more',
    async () => {
      const counts = await letters.getJobCounts('failed', 'active', 'delayed', 'wait', 'prioritized');
      return Object.values(counts).every((count) => count === 0);
    },
    patient,
  );
  const stored = await waitUntil(
    'both records in Kafka',
    async () => {
      const records = await system.stored();
      return records.length >= 2 ? records : null;
    },
    patient,
  );
  const power = (values: typeof stored) =>
    values.map(({ value }) => (value as { data: { frpMw: number } }).data.frpMw).toSorted((one, other) => one - other);
  expect(power(stored)).toEqual([4.53, 7.5]);

  // The provider has mended it too: the row is known by now.
  firms.state.rows = [good, right];
  const asked = firms.state.asked;
  await system.act('firms', 'poll');
  await waitUntil('the next poll', () => firms.state.asked > asked, patient);
  await system.drain();
  expect(power(await system.stored())).toEqual([4.53, 7.5]);
  expect(await polls.getJobs(['failed', 'delayed', 'wait', 'prioritized', 'active'])).toEqual([]);
  await Promise.all([letters.close(), polls.close()]);
});
