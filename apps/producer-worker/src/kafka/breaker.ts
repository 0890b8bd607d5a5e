// The circuit breaker of this process' Kafka: every batch asks it before it goes, and tells it how it ended. While it is
// open nothing is sent and no attempt is used; after `resetMs` one real batch goes as a trial, the most urgent first.
// A look at the cluster (its list of topics) stands in where no batch does: at the start, beside the first outage, and
// for a trial that nobody has a batch for.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Service } from '@stream-manager/shared/ops/service';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import {
  afterOutage,
  type BreakerOptions,
  type BreakerState,
  closedBreaker,
  mayEnter,
  type Outage,
  opened,
} from './breaker-state.ts';

/** How a batch ended. `answered`: nothing was acknowledged, but not for an outage. `not_sent`: it did not go at all. */
export type BatchEnd =
  | { readonly kind: 'acknowledged' | 'answered' | 'not_sent' }
  | { readonly kind: 'outage'; readonly outage: Outage };

/** Leave for one batch; `end` must be called once. */
export interface Pass {
  end(end: BatchEnd): void;
}

/** A queue that has batches for Kafka. */
export interface GatedQueue {
  readonly sourceId: string;
  /** The class of the most urgent piece that waits; null: nothing waits. */
  urgency(): PriorityClass | null;
  /** The breaker may let a batch pass now. */
  wake(): void;
  /** The breaker has opened: what is in hand and not on its way goes back. */
  shut(): void;
}

/** What queues ask. */
export interface SendGate {
  /** Leave for a batch of the source, or null: not now; the queue is woken when it may ask again. */
  enter(sourceId: string): Pass | null;
  isShut(): boolean;
  /** Joins the queues that are woken; gives how to leave them. */
  join(queue: GatedQueue): () => void;
}

/** The breaker as a whole. */
export interface Breaker extends SendGate, Service {
  /** A publish is being kept up by the client although exchanges fail. */
  trouble(error: Omit<Outage, 'sourceId'>): void;
  readonly state: BreakerState['kind'];
}

export interface BreakerDeps {
  readonly admin: Pick<KafkaAdminPort, 'listTopics'>;
  readonly health: Pick<Health, 'setProblem'>;
  readonly logger: Pick<Logger, 'warn' | 'info' | 'debug'>;
  /** Told of every change, for the fleet to see. */
  readonly onChange: (state: BreakerState['kind']) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** Creates the breaker. `start` looks at the cluster once, in the background: it never waits for Kafka. */
export const createBreaker = (deps: BreakerDeps, options: BreakerOptions & { readonly enabled: boolean }): Breaker => {
  const { now, logger } = deps;
  const queues = new Set<GatedQueue>();
  let state = closedBreaker;
  let cancelTimer: (() => void) | null = null;
  let looking: Promise<void> | null = null;
  let isStopped = false;

  const byUrgency = (): readonly GatedQueue[] =>
    [...queues]
      .map((queue) => ({
        queue,
        // A source whose batch failed gives way to one that may be well.
        rank: (queue.urgency() ?? 9) + (state.failing.has(queue.sourceId) ? 0.5 : 0),
      }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ queue }) => queue);

  const become = (next: BreakerState): void => {
    const before = state;
    state = next;
    if (next.kind === before.kind) {
      if (next.kind === 'open' && before.kind === 'open' && next.retryAt !== before.retryAt) arm(next.retryAt);
      return;
    }
    deps.onChange(next.kind);
    if (next.kind === 'closed') {
      cancelTimer?.();
      cancelTimer = null;
      deps.health.setProblem('kafka', null);
      logger.info('Kafka takes records again; the breaker is closed');
      for (const queue of byUrgency()) queue.wake();
      return;
    }
    if (next.kind === 'half_open') {
      logger.debug('the breaker lets one batch pass as a trial');
      for (const queue of byUrgency()) queue.wake();
      // Nobody has a batch: whether the cluster answers must do.
      if (state.kind === 'half_open' && !state.isTrying) void look();
      return;
    }
    deps.health.setProblem('kafka', `unreachable, the breaker is open: ${next.reason}`);
    arm(next.retryAt);
    if (before.kind !== 'closed') return;
    logger.warn(
      { error: next.reason, resetMs: options.resetMs },
      'the breaker is open: Kafka does not take records; chunks wait in Redis without using attempts',
    );
    for (const queue of queues) queue.shut();
  };
  const arm = (retryAt: number): void => {
    cancelTimer?.();
    if (isStopped) return;
    cancelTimer = deps.after(Math.max(0, retryAt - now()), () => {
      cancelTimer = null;
      if (state.kind === 'open' && !isStopped) become({ ...state, kind: 'half_open' });
    });
  };

  const look = (): Promise<void> => {
    if (isStopped || !options.enabled) return Promise.resolve();
    looking ??= deps.admin
      .listTopics()
      .then(
        () => {
          // A cluster may answer a look and still take nothing: with a batch on its way, that batch knows better.
          if (state.kind === 'half_open' && !state.isTrying) become(closedBreaker);
        },
        (error: unknown) => {
          if (isStopped) return;
          const outage: Outage = { message: messageOf(error), scope: 'cluster', sourceId: null };
          const isTrial = state.kind === 'half_open' && !state.isTrying;
          become(afterOutage(state, outage, isTrial, now(), options));
        },
      )
      .finally(() => {
        looking = null;
      });
    return looking;
  };

  const failed = (outage: Outage, isTrial: boolean): void => {
    if (!options.enabled) return;
    become(afterOutage(state, outage, isTrial, now(), options));
    // A cluster that is away is known sooner by a look than by waiting for the next batch.
    if (state.kind === 'closed') void look();
    // Another source may be tried at once.
    else if (isTrial && state.isPartial) for (const queue of byUrgency()) queue.wake();
  };

  return {
    get state() {
      return state.kind;
    },
    isShut: () => state.kind !== 'closed',
    enter: (sourceId) => {
      const may = mayEnter(state, sourceId);
      if (may === 'no') return null;
      const isTrial = may === 'as_trial';
      if (isTrial && state.kind !== 'closed') state = { ...state, isTrying: true };
      return {
        end: (end) => {
          if (end.kind === 'acknowledged' || (end.kind === 'answered' && isTrial)) {
            if (state !== closedBreaker) become(closedBreaker);
          } else if (end.kind === 'outage') failed(end.outage, isTrial);
          else if (end.kind === 'not_sent' && isTrial && state.kind !== 'closed') {
            state = { ...state, isTrying: false };
            for (const queue of byUrgency()) queue.wake();
          }
        },
      };
    },
    join: (queue) => {
      queues.add(queue);
      return () => void queues.delete(queue);
    },
    trouble: (outage) => failed({ ...outage, sourceId: null }, state.kind !== 'closed' && state.isTrying),
    start: async () => {
      if (!options.enabled) return;
      looking ??= deps.admin
        .listTopics()
        .then(
          () => {},
          (error: unknown) => {
            // Without Kafka at the start nothing has to fail first.
            const outage: Outage = { message: messageOf(error), scope: 'cluster', sourceId: null };
            if (!isStopped && state.kind === 'closed') become(opened(state, outage, now(), options));
          },
        )
        .finally(() => {
          looking = null;
        });
    },
    stop: async () => {
      isStopped = true;
      cancelTimer?.();
      cancelTimer = null;
    },
  };
};
