// The config of a source of type mqtt in a poller bundle, and looks at what of its messages lies in Redis.
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { composePollerWorker } from '../../../src/compose.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../../poller-bundle.ts';

/** Of everything that waits here: the machine may be busy. */
export const patient = { timeoutMs: 90_000 };

type Fields = Readonly<Record<string, unknown>>;

const sourcesOf = (url: string, params: Fields = {}, source: Fields = {}) => ({
  [sourceId]: {
    type: 'mqtt',
    params: { url, topics: ['sensors/+/temperature'], ...params },
    queue: { maxRecords: 100_000 },
    ...source,
  },
});

/** Opens a bundle whose source reads from a broker. */
export const openMqttBundle = (
  url: string,
  options: {
    readonly params?: Fields;
    readonly source?: Fields;
    readonly redisUrl?: string;
  } = {},
): Promise<PollerBundle> =>
  openPollerBundle(
    {},
    { sources: sourcesOf(url, options.params, options.source) },
    options.redisUrl === undefined ? {} : { redisUrl: options.redisUrl },
  );

/** Starts a worker in this process, until the block is left. */
export const startWorker = async (poller: PollerBundle, context = poller.context()): Promise<AsyncDisposable> => {
  const worker = composePollerWorker(context);
  await worker.start(new AbortController().signal);
  return { [Symbol.asyncDispose]: () => worker.stop() };
};

/** The config of the bundle as a process of its own reads it. */
export const childConfig = (poller: PollerBundle, url: string) => ({
  redis: { url: poller.config.redis.url, keyPrefix: poller.keyPrefix },
  sources: sourcesOf(url),
});

/** The values of `temperatureC` that lie in Redis, sorted. */
export const valuesOf = async (poller: PollerBundle): Promise<readonly number[]> =>
  (await poller.stored()).map(({ data }) => Number(data['temperatureC'])).sort((one, other) => one - other);

/** 0 … count − 1. */
export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_value, index) => index);

/** Records that the source holds. */
export const heldBy = async (poller: PollerBundle): Promise<number> =>
  (await poller.store.counts([sourceId])).get(sourceId)?.total ?? 0;

/** Waits until the source holds so many records. */
export const untilHeld = (poller: PollerBundle, count: number): Promise<unknown> =>
  waitUntil(`${count} records`, async () => (await heldBy(poller)) >= count, patient);

/** Waits until all sessions of this process are connected. */
export const untilConnected = (poller: PollerBundle, sessions: number): Promise<unknown> =>
  waitUntil(`${sessions} sessions`, async () => (await poller.value('intake_sessions')) === sessions, patient);

/** Waits until nothing is owed to the broker by this process. */
export const untilAcknowledged = (poller: PollerBundle): Promise<unknown> =>
  waitUntil('all to be acknowledged', async () => (await poller.value('intake_unacknowledged')) === 0, patient);
