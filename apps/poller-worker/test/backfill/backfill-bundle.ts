// The bundle of the poller's tests with a source whose API can be asked for the past: a reading per minute, in pages of
// ten minutes and slices of an hour.
import { type BackfillStore, createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { type Backfills, createBackfills } from '@stream-manager/shared/queues/backfills';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { composePoller } from '../../src/compose.ts';
import type { Page, PollContext } from '../../src/sources/source.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../poller-bundle.ts';
import { dayMs, hourMs, pagesOf } from './hourly-pages.ts';

export interface BackfillBundle extends AsyncDisposable {
  readonly poller: PollerBundle;
  readonly backfills: Backfills;
  readonly store: BackfillStore;
  /** Each call of the source, in order. */
  readonly calls: PollContext[];
  /** What the source does; by default `pagesOf`. */
  script: (context: PollContext) => AsyncIterable<Page>;
  /** Starts a poller; gives how to stop it. */
  start(): Promise<() => Promise<void>>;
  /** Asks for hours of the day; gives the id. */
  request(fromHour: number, toHour: number): Promise<string>;
  /** Waits until the backfill is shown in this state. */
  until(
    id: string,
    state: string,
  ): ReturnType<Backfills['list']> extends Promise<readonly (infer V)[]> ? Promise<V> : never;
}

/** Opens it. `sliceMs` null: the source cannot be asked for the past. */
export const openBackfillBundle = async (
  source: Readonly<Record<string, unknown>> = {},
  { sliceMs = hourMs }: { readonly sliceMs?: number | null } = {},
): Promise<BackfillBundle> => {
  const poller = await openPollerBundle(source);
  const store = createBackfillStore(poller.redis, poller.keyPrefix);
  const stops: (() => Promise<void>)[] = [];
  const bundle: BackfillBundle = {
    poller,
    store,
    backfills: createBackfills({ store, queue: poller.polls, now: Date.now }),
    calls: [],
    script: pagesOf,
    start: async () => {
      const composition = composePoller(poller.context(), () => () => ({
        poll: (context) => {
          bundle.calls.push(context);
          return bundle.script(context);
        },
        parseRow: ({ raw }) => ({ raw, reason: 'unreadable', message: 'still no record' }),
        ...(sliceMs === null ? {} : { backfill: { sliceMs } }),
      }));
      await composition.start(new AbortController().signal);
      stops.push(() => composition.stop());
      return () => composition.stop();
    },
    request: async (fromHour, toHour) => {
      const answer = await bundle.backfills.request({
        sourceId,
        fromMs: dayMs + fromHour * hourMs,
        toMs: dayMs + toHour * hourMs,
        requestedBy: 'the test',
      });
      if (answer.kind === 'refused') throw new Error(answer.reason);
      return answer.backfillId;
    },
    until: (id, state) =>
      waitUntil(
        `backfill ${id} to be ${state}`,
        async () => (await bundle.backfills.list(sourceId)).find((one) => one.id === id && one.state === state),
        { timeoutMs: 60_000 },
      ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await poller[Symbol.asyncDispose]();
    },
  };
  return bundle;
};
