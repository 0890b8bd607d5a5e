// The streams of the system: read as a whole, and steered one by one. The one place where the operator's acts happen,
// for the API, the overview page and the embedding process alike.
import { providerHostOf } from '@stream-manager/shared/config/provider-host';
import { type ResolvedSource, resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { Config } from '@stream-manager/shared/config/schema';
import { isPolledType } from '@stream-manager/shared/config/source-types';
import type { PollDelay } from '@stream-manager/shared/jobs/payloads';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { CursorStore } from '@stream-manager/shared/queues/cursor-store';
import {
  type LetterStock,
  type LetterStocks,
  lettersFull,
} from '@stream-manager/shared/queues/dead-letters/letter-stock';
import type { RetiredSources } from '@stream-manager/shared/queues/known-sources';
import type { ProviderBreakerStore } from '@stream-manager/shared/queues/provider-breaker-store';
import { type SourceStateStore, type StreamState, streamState } from '@stream-manager/shared/queues/source-state';
import type { ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import type { Queue } from 'bullmq';
import type { BreakerState } from '../fleet-breaker.ts';
import { type PollNowAnswer, pollNow, withdrawRequest } from '../schedules/poll-now.ts';
import { isScheduled, type Schedule, scheduleIdPrefix, scheduleOf } from '../schedules/wanted-schedules.ts';
import { viewProvider } from './provider-view.ts';
import { Refusal } from './refusal.ts';
import { type StreamView, shownState, type ViewedSource, viewStream } from './stream-view.ts';

/** What an operator can do to a stream. */
export const streamActs = ['start', 'stop', 'pause', 'resume', 'poll'] as const;
export type StreamAct = (typeof streamActs)[number];

/** The answer to an act. `paused`: a poll was asked for while the stream is paused. `gone`: it concerns polls, and the source is gone from the config. */
export type ActAnswer =
  | {
      readonly kind: 'done';
      readonly id: string;
      readonly state: StreamState;
      readonly poll?: PollNowAnswer;
      /** Why the poll is put off before its fetch, when it is known that it will be. */
      readonly deferred?: string;
    }
  | { readonly kind: 'unknown_stream' }
  | { readonly kind: 'gone'; readonly id: string }
  | { readonly kind: 'paused'; readonly id: string };

/** Which streams there are. */
export interface PolledStreams {
  /** Throws a refusal unless there is such a stream; it may be gone from the config. */
  require(sourceId: string): void;
  /** Throws a refusal unless the source is in the config and is polled. */
  requirePolled(sourceId: string): void;
}

/** Reads and steers streams. */
export interface Streams extends PolledStreams {
  /** Those of the config, and retired ones that still hold records or dead letters. */
  list(): Promise<readonly StreamView[]>;
  /** Rejects with a refusal for a poll of a source whose records come by themselves. */
  act(sourceId: string, act: StreamAct): Promise<ActAnswer>;
  /** Sources that are polled now, whether the config enables them or an operator started them. */
  running(): Promise<readonly ResolvedSource[]>;
  /** Schedules that ought to exist now: those of running sources. */
  wantedSchedules(): Promise<readonly Schedule[]>;
}

/** Queues the streams act on. */
export interface StreamQueues {
  readonly poll: Queue;
  records(sourceId: string): Queue;
}

const noFlags = { polls: null, paused: false } as const;

/** Creates the streams of one config and of the sources that are gone from it. `onChange` is called after an act that changes which schedules are wanted. */
export const createStreams = (
  deps: {
    readonly store: ChunkStore;
    readonly states: SourceStateStore;
    readonly throttle: Pick<ThrottleStore, 'read'>;
    readonly cursors: Pick<CursorStore, 'read'>;
    readonly providers: Pick<ProviderBreakerStore, 'readMany'>;
    readonly stocks: Pick<LetterStocks, 'read'>;
    /** Polls that are delayed now, and why. */
    readonly readPollDelays: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, PollDelay>>;
    readonly queues: StreamQueues;
    readonly readBreaker: () => Promise<BreakerState>;
    readonly onChange: () => void;
    readonly now: () => number;
  },
  config: Config,
  retired: RetiredSources,
): Streams => {
  const sources: ReadonlyMap<string, ResolvedSource> = new Map(
    Object.keys(config.sources).map((id) => [id, resolveSource(config, id)]),
  );
  const viewed: ReadonlyMap<string, ViewedSource> = new Map([
    ...[...sources].map(([id, { type, mode, enabled, throttling }]): [string, ViewedSource] => [
      id,
      { id, type, mode, enabled, inConfig: true, throttling },
    ]),
    ...[...retired].map(([id, { type, mode }]): [string, ViewedSource] => [
      id,
      { id, type, mode, enabled: false, inConfig: false, throttling: config.throttling },
    ]),
  ]);
  const ids = [...viewed.keys()];
  const hostOf = new Map([...sources].map(([id, source]) => [id, providerHostOf(source)]));
  const hosts = [...hostOf.values()].filter((host) => host !== null);

  const noLetters: LetterStock = { letters: 0, bytes: 0 };

  const currentState = async (
    source: ViewedSource,
  ): Promise<{ readonly state: StreamState; readonly stock: LetterStock }> => {
    const [states, counts, stocks] = await Promise.all([
      deps.states.read([source.id]),
      deps.store.counts([source.id]),
      deps.stocks.read([source.id]),
    ]);
    const stock = stocks.get(source.id) ?? noLetters;
    const flags = states.get(source.id)?.flags ?? noFlags;
    const queued = counts.get(source.id)?.total ?? 0;
    return { state: shownState({ source, flags, queued, deadLetters: stock.letters }), stock };
  };

  const running = async (): Promise<readonly ResolvedSource[]> => {
    const states = await deps.states.read([...sources.keys()]);
    return [...sources.values()].filter((source) => {
      const flags = states.get(source.id)?.flags ?? noFlags;
      return streamState({ flags, inConfig: true, enabled: source.enabled, recordsHeld: 0 }) === 'running';
    });
  };

  const requireKnown = (sourceId: string): ViewedSource => {
    const source = viewed.get(sourceId);
    if (source === undefined) throw new Refusal(404, `there is no stream "${sourceId}"`);
    return source;
  };

  const requirePolled = (sourceId: string): void => {
    requireKnown(sourceId);
    const source = sources.get(sourceId);
    if (source === undefined) throw new Refusal(404, `stream "${sourceId}" is gone from the config: nothing polls it`);
    if (!isPolledType(source.type))
      throw new Refusal(409, `the records of "${sourceId}" come by themselves (${source.type}): nothing polls it`);
  };

  return {
    require: (sourceId) => void requireKnown(sourceId),
    requirePolled,
    running,
    list: async () => {
      const [states, counts, totals, schedulers, stocks, breaker, decisions, delays, providers, cursors] =
        await Promise.all([
          deps.states.read(ids),
          deps.store.counts(ids),
          deps.store.totals(ids),
          deps.queues.poll.getJobSchedulers(0, -1),
          deps.stocks.read(ids),
          deps.readBreaker(),
          deps.throttle.read(ids),
          deps.readPollDelays(ids),
          deps.providers.readMany(hosts),
          Promise.all(ids.map((id) => deps.cursors.read(id))),
        ]);
      const next = new Map(schedulers.map((scheduler) => [scheduler.key, scheduler.next]));
      const now = deps.now();
      return ids.flatMap((id, index) => {
        const source = viewed.get(id);
        const state = states.get(id);
        const count = counts.get(id);
        const cursor = cursors[index];
        if (source === undefined || state === undefined || count === undefined || cursor === undefined) return [];
        const stock = stocks.get(id) ?? noLetters;
        if (!source.inConfig && count.total + stock.letters === 0) return [];
        const view = viewStream({
          source,
          state,
          counts: count,
          totals: totals.get(id) ?? { published: 0, dropped: 0 },
          deadLetters: stock.letters,
          degraded: lettersFull(stock, config.delivery.deadLetters),
          breaker,
          provider: viewProvider({
            source: sources.get(id) ?? null,
            state,
            breaker: providers.get(hostOf.get(id) ?? ''),
            cursor,
            now,
          }),
          // A schedule that the reconciler has yet to remove polls nothing.
          nextPollAtMs: (source.inConfig ? next.get(`${scheduleIdPrefix}${id}`) : null) ?? null,
          pollDelayed: (source.inConfig ? delays.get(id) : null) ?? null,
          stored: decisions.get(id),
          sampleIntervalMs: config.throttling.sampleIntervalMs,
        });
        return [view];
      });
    },

    act: async (sourceId, act) => {
      const source = viewed.get(sourceId);
      if (source === undefined) return { kind: 'unknown_stream' };
      if (!source.inConfig && act !== 'pause' && act !== 'resume') return { kind: 'gone', id: sourceId };
      switch (act) {
        case 'start':
          await deps.states.setPolls(sourceId, 'started');
          break;
        case 'stop':
          await deps.states.setPolls(sourceId, 'stopped');
          // After the flag: a poll that is asked for from now on is asked for although the source is stopped.
          await withdrawRequest(deps.queues.poll, sourceId);
          break;
        case 'pause':
          await deps.states.setPaused(sourceId, true);
          await deps.queues.records(sourceId).pause();
          break;
        case 'resume':
          await deps.queues.records(sourceId).resume();
          await deps.states.setPaused(sourceId, false);
          break;
        case 'poll': {
          requirePolled(sourceId);
          const { state, stock } = await currentState(source);
          if (state === 'paused') return { kind: 'paused', id: sourceId };
          const poll = await pollNow(deps.queues.poll, sourceId, deps.now());
          // The poller looks at the same before it fetches; a poll that runs is past that.
          const full = poll === 'running' ? null : lettersFull(stock, config.delivery.deadLetters);
          return { kind: 'done', id: sourceId, state, poll, ...(full === null ? {} : { deferred: full }) };
        }
      }
      deps.onChange();
      return { kind: 'done', id: sourceId, state: (await currentState(source)).state };
    },

    wantedSchedules: async () => (await running()).filter(isScheduled).map(scheduleOf),
  };
};
