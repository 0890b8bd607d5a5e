// The circuit breaker of this process' Kafka: every batch asks it before it goes, and tells it how it ended. While it is
// open nothing is sent, nothing is held and no attempt is used: chunks lie in the queues, where a process whose network
// is better can take them. After `resetMs` one queue is invited to send one real batch as the trial. A look at the cluster
// (its list of topics) stands in where no batch does: at the start, beside the first outages, and for a trial that nobody
// has a batch for.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Service } from '@stream-manager/shared/ops/service';
import {
  afterOutage,
  type BreakerOptions,
  type BreakerState,
  type Candidate,
  chooseTrial,
  closedBreaker,
  type Outage,
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
  /** The gate is open: it takes chunks and sends. */
  open(): void;
  /** The gate is shut: it takes nothing, and what is not on its way goes back. */
  shut(): void;
  /** It may take one chunk and send it: the trial. Ends with `open` or `shut`. */
  invite(): void;
}

/** What queues ask. */
export interface SendGate {
  /** Leave for a batch of the source, or null: not now; the queue is told when it may ask again. */
  enter(sourceId: string): Pass | null;
  isShut(): boolean;
  /** Joins the queues that are told; gives how to leave them. */
  join(queue: GatedQueue): () => void;
}

/** The breaker as a whole. */
export interface Breaker extends SendGate, Service {
  /** A publish of these sources is being kept up by the client although exchanges fail. */
  trouble(outage: Omit<Outage, 'sourceId'>, sourceIds: readonly string[]): void;
  readonly state: BreakerState['kind'];
}

export interface BreakerDeps {
  readonly admin: Pick<KafkaAdminPort, 'listTopics'>;
  /** The class of what each queue would give next; null: nothing. */
  readonly readHeads: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, Candidate['head'] | null>>;
  readonly health: Pick<Health, 'setProblem'>;
  readonly logger: Pick<Logger, 'warn' | 'info' | 'debug'>;
  /** Told of every change, for the fleet to see. */
  readonly onChange: (state: BreakerState['kind']) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** An invited queue that sends nothing within this time gives way to the next, in milliseconds: its chunk went elsewhere. */
export const invitationMs = 2_000;
/** Time between two rounds in which somebody might be invited, in milliseconds. */
export const roundMs = 1_000;

/** Creates the breaker. `start` looks at the cluster once, in the background: it never waits for Kafka. */
export const createBreaker = (deps: BreakerDeps, options: BreakerOptions & { readonly enabled: boolean }): Breaker => {
  const { now, logger } = deps;
  const queues = new Map<string, GatedQueue>();
  const invitedAt = new Map<string, number>();
  let state = closedBreaker;
  /** Who may send the trial, or is sending it. */
  let trial: { readonly sourceId: string; isSent: boolean } | null = null;
  let cancelTimer: (() => void) | null = null;
  let looking: Promise<void> | null = null;
  let isStopped = false;

  const arm = (delayMs: number): void => {
    cancelTimer?.();
    cancelTimer = isStopped ? null : deps.after(Math.max(0, delayMs), round);
  };

  const become = (next: BreakerState): void => {
    const before = state;
    state = next;
    const isChanged = next.kind !== before.kind;
    if (isChanged) deps.onChange(next.kind);
    switch (next.kind) {
      case 'closed':
        if (!isChanged) return;
        trial = null;
        cancelTimer?.();
        cancelTimer = null;
        invitedAt.clear();
        deps.health.setProblem('kafka', null);
        logger.info('Kafka takes records again; the breaker is closed');
        for (const queue of queues.values()) queue.open();
        return;
      case 'half_open':
        logger.debug('the breaker is half open: one batch goes as a trial');
        return;
      case 'open': {
        if (before.kind === 'open' && before.retryAt === next.retryAt) return;
        deps.health.setProblem('kafka', `unreachable, the breaker is open: ${next.reason}`);
        if (before.kind === 'closed') {
          logger.warn(
            { error: next.reason, resetMs: options.resetMs },
            'the breaker is open: Kafka does not take records; chunks wait in Redis without using attempts',
          );
          for (const queue of queues.values()) queue.shut();
        } else if (trial !== null) queues.get(trial.sourceId)?.shut();
        trial = null;
        arm(next.isPartial ? 0 : next.retryAt - now());
        return;
      }
    }
  };

  /** While it is not closed: time passes, and somebody is invited where that is allowed and nobody is. */
  const round = (): void => {
    cancelTimer = null;
    if (state.kind === 'closed' || isStopped) return;
    if (state.kind === 'open' && now() >= state.retryAt) become({ ...state, kind: 'half_open' });
    if (trial !== null && !trial.isSent) {
      // Nothing came of it.
      queues.get(trial.sourceId)?.shut();
      trial = null;
    }
    if (trial !== null) {
      arm(roundMs);
      return;
    }
    invite().catch((error: unknown) => {
      logger.debug({ error: messageOf(error) }, 'could not look for a batch to try');
      arm(roundMs);
    });
  };
  const invite = async (): Promise<void> => {
    const heads = await deps.readHeads([...queues.keys()]);
    if (state.kind === 'closed' || trial !== null || isStopped) return;
    const candidates = [...heads].flatMap(([sourceId, head]) =>
      head === null || !queues.has(sourceId) ? [] : [{ sourceId, head, invitedAt: invitedAt.get(sourceId) ?? 0 }],
    );
    const sourceId = chooseTrial(state, candidates);
    if (sourceId !== null) {
      trial = { sourceId, isSent: false };
      invitedAt.set(sourceId, now());
      arm(invitationMs);
      queues.get(sourceId)?.invite();
      return;
    }
    arm(state.kind === 'open' && !state.isPartial ? state.retryAt - now() : roundMs);
    if (state.kind === 'half_open') void look();
  };

  /** One look at a time. `opensAtOnce`: nothing has to fail before it, at the start. */
  const look = (opensAtOnce = false): Promise<void> => {
    if (isStopped || !options.enabled) return Promise.resolve();
    looking ??= deps.admin
      .listTopics()
      .then(
        () => {
          // A cluster may answer a look and still take nothing: with a batch on its way, that batch knows better.
          if (state.kind === 'half_open' && trial === null) become(closedBreaker);
        },
        (error: unknown) => {
          if (isStopped) return;
          const outage: Outage = { message: messageOf(error), scope: 'cluster', sourceId: null };
          const decides = state.kind === 'half_open' ? trial === null : opensAtOnce && state.kind === 'closed';
          become(afterOutage(state, outage, decides, now(), options));
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
  };

  return {
    get state() {
      return state.kind;
    },
    isShut: () => state.kind !== 'closed',
    enter: (sourceId) => {
      const own = state.kind !== 'closed' && trial?.sourceId === sourceId && !trial.isSent ? trial : null;
      if (state.kind !== 'closed' && own === null) return null;
      if (own !== null) own.isSent = true;
      const isTrial = (): boolean => own !== null && trial === own;
      return {
        end: (end) => {
          switch (end.kind) {
            case 'acknowledged':
              if (state !== closedBreaker) become(closedBreaker);
              break;
            case 'answered':
              // A trial that was refused for itself has shown that the cluster is there.
              if (isTrial()) become(closedBreaker);
              break;
            case 'outage':
              failed(end.outage, isTrial());
              break;
            case 'not_sent':
              if (!isTrial()) break;
              queues.get(sourceId)?.shut();
              trial = null;
              arm(0);
              break;
          }
        },
      };
    },
    join: (queue) => {
      queues.set(queue.sourceId, queue);
      return () => {
        if (queues.get(queue.sourceId) === queue) queues.delete(queue.sourceId);
      };
    },
    trouble: (outage, sourceIds) => {
      const [sourceId = null] = sourceIds;
      failed({ ...outage, sourceId }, trial?.isSent === true && sourceIds.includes(trial.sourceId));
    },
    start: async () => void look(true),
    stop: async () => {
      isStopped = true;
      cancelTimer?.();
      cancelTimer = null;
    },
  };
};
