import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../../../src/compose.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../../poller-bundle.ts';
import { openBroker, timedMessages } from './broker.ts';

const patient = { timeoutMs: 60_000 };

const mqttSource = (url: string, params: Readonly<Record<string, unknown>> = {}, more = {}) => ({
  sources: {
    [sourceId]: {
      type: 'mqtt',
      params: { url, topics: ['sensors/+/temperature'], ...params },
      queue: { maxRecords: 100_000 },
      ...more,
    },
  },
});

const startWorker = async (poller: PollerBundle) => {
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  return { worker, [Symbol.asyncDispose]: () => worker.stop() };
};

/** The values that lie in Redis, sorted. */
const values = async (poller: PollerBundle): Promise<number[]> =>
  (await poller.stored()).map((envelope) => Number(envelope.data['temperatureC'])).sort((one, other) => one - other);

const connected = (poller: PollerBundle, sessions: number): Promise<unknown> =>
  waitUntil(`${sessions} sessions`, async () => (await poller.value('intake_sessions')) === sessions, patient);

const upTo = (count: number): number[] => Array.from({ length: count }, (_value, index) => index);

describe('records of a broker', () => {
  it('are admitted once each, and acknowledged', async () => {
    await using broker = await openBroker();
    await using poller = await openPollerBundle({}, mqttSource(broker.server.url));
    await using _worker = await startWorker(poller);
    await connected(poller, 4);
    await using publisher = await broker.publisher();
    const started = performance.now();
    await publisher.publish(timedMessages(0, 20_000), 1000);
    const published = performance.now();
    await waitUntil('all records', async () => (await poller.value('records_accepted_total')) >= 20_000, patient);
    console.log('published', published - started, 'accepted', performance.now() - started);
    expect(await values(poller)).toEqual(upTo(20_000));
    await waitUntil('all acknowledged', async () => (await poller.value('intake_unacknowledged')) === 0, patient);
    expect(await poller.value('records_duplicate_total')).toBe(0);
  });
});
