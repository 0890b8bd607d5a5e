// What an intake knows of its sources, looked at once a second in one round trip for all: whether it may take their records,
// by the operator's flags; and, written in the same round, what came in since the last one, so that a source whose records
// come by themselves is shown like one that is polled.
import { addAnswer } from '@stream-manager/shared/conditions/answer-history';
import { habitOf } from '@stream-manager/shared/conditions/habit-of';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Service } from '@stream-manager/shared/ops/service';
import {
  type SourceState,
  type SourceStateStore,
  type StreamState,
  streamState,
} from '@stream-manager/shared/queues/source-state';

/** What was taken in at one time. */
export interface TakenIn {
  /** New or corrected. */
  readonly records: number;
  /** Milliseconds since the epoch; null: no record. */
  readonly newestObservedAtMs: number | null;
}

/** The sources of one process whose records come by themselves. */
export interface SourceWatch extends Service {
  /** As it was seen last; `disabled` before the first look. */
  stateOf(sourceId: string): StreamState;
  /** Tells of records that are in, or (none) that they can come again. */
  tookIn(sourceId: string, taken: TakenIn): void;
  /** Tells why none can come, as a sentence without secrets; it is shown until something is taken in. */
  failed(sourceId: string, error: string): void;
  /** Calls back after every look. */
  onLook(act: () => void): void;
}

/** Looks and notes are a second apart, in milliseconds. */
const lookMs = 1_000;

/** The newest of now and before; null: there is none. */
const newestOf = (
  nowMs: number | null,
  before: { readonly newestObservedAtMs: number | null } | null | undefined,
): number | null => Math.max(nowMs ?? 0, before?.newestObservedAtMs ?? 0) || null;

/** Creates it; `start` looks once, and goes on looking. */
export const createSourceWatch = (
  deps: {
    readonly states: Pick<SourceStateStore, 'read' | 'recordPoll'>;
    readonly logger: Pick<Logger, 'warn'>;
    /** Milliseconds since the epoch. */
    readonly now: () => number;
    readonly after: (delayMs: number, act: () => void) => () => void;
  },
  sources: readonly ResolvedSource[],
): SourceWatch => {
  const seen = new Map<string, SourceState>();
  const taken = new Map<string, TakenIn>();
  const failures = new Map<string, string>();
  const acts: (() => void)[] = [];
  let isStopped = false;
  let undo = (): void => {};
  let looking: Promise<void> | null = null;

  const note = async (source: ResolvedSource): Promise<void> => {
    const at = deps.now();
    const news = taken.get(source.id);
    if (news === undefined) {
      const error = failures.get(source.id);
      if (error === undefined) return;
      failures.delete(source.id);
      const failure = { outcome: 'failed' as const, records: 0, durationMs: 0, error };
      await deps.states.recordPoll(source.id, { at: new Date(at).toISOString(), ...failure });
      return;
    }
    taken.delete(source.id);
    const { records, newestObservedAtMs } = news;
    const before = seen.get(source.id)?.answers ?? null;
    // How many come in a second says nothing: only how new they are is kept.
    const answer = { atMs: at, rows: null, newestObservedAtMs: newestOf(newestObservedAtMs, before) };
    const poll = { at: new Date(at).toISOString(), outcome: 'ok' as const, records, durationMs: 0, error: null };
    await deps.states.recordPoll(source.id, poll, addAnswer(before, answer, habitOf(source.type)));
  };

  const look = async (): Promise<void> => {
    try {
      for (const [id, state] of await deps.states.read(sources.map(({ id }) => id))) seen.set(id, state);
      for (const source of sources) await note(source);
    } catch (error) {
      // What was seen last stays; what came in is told of in the next round.
      deps.logger.warn({ error: messageOf(error) }, 'the state of sources was not read');
    }
    for (const act of acts) act();
  };

  const round = async (): Promise<void> => {
    looking = look();
    await looking;
    if (!isStopped) undo = deps.after(lookMs, () => void round());
  };

  return {
    stateOf: (sourceId) => {
      const source = sources.find(({ id }) => id === sourceId);
      const state = seen.get(sourceId);
      if (source === undefined || state === undefined) return 'disabled';
      return streamState({ flags: state.flags, inConfig: true, enabled: source.enabled, recordsHeld: 0 });
    },
    failed: (sourceId, error) => {
      failures.set(sourceId, error);
    },
    tookIn: (sourceId, { records, newestObservedAtMs }) => {
      failures.delete(sourceId);
      const before = taken.get(sourceId);
      taken.set(sourceId, {
        records: records + (before?.records ?? 0),
        newestObservedAtMs: newestOf(newestObservedAtMs, before),
      });
    },
    onLook: (act) => {
      acts.push(act);
    },
    start: async () => {
      if (sources.length > 0) await round();
    },
    stop: async () => {
      isStopped = true;
      undo();
      await looking;
    },
  };
};
