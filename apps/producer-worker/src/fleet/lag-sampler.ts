// Samples the real consumer lag of every source of the config, decides what follows from it, and writes both for the fleet.
// One process does it at a time, whatever its SOURCES, so that Kafka sees the same load with 1 or 100 workers. It goes on
// from what it wrote last; only who begins, or has lost a step to another process, reads what stands in Redis.
import type { ThrottlingSettings } from '@stream-manager/shared/config/sections/throttling';
import type { CommitWatch } from '@stream-manager/shared/lag/abandoned-groups';
import type { ConsumerGroups, LagReader } from '@stream-manager/shared/lag/sample-lag';
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { CommitMemory } from '@stream-manager/shared/queues/commit-memory';
import type { LagReading } from '@stream-manager/shared/queues/source-state';
import type { SamplingState, ThrottleStep, ThrottleStore } from '@stream-manager/shared/queues/throttle-store';
import { decide } from '@stream-manager/shared/throttle/decide';
import { decisionHoldsMs, type ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import type { SampleNotes, ToldDecision } from './sample-notes.ts';

/** What is sampled of one source. */
export interface SampledSource {
  readonly id: string;
  readonly topics: readonly string[];
  readonly groups: ConsumerGroups;
  readonly settings: ThrottlingSettings;
}

export interface LagSamplerDeps {
  readonly reader: LagReader;
  readonly store: Pick<ThrottleStore, 'now' | 'load' | 'read' | 'step'>;
  /** Which groups are abandoned: what this process knows of it, and what the fleet keeps. */
  readonly watch: Pick<CommitWatch, 'remembered' | 'recall'>;
  readonly memory: CommitMemory;
  readonly notes: SampleNotes;
}

/** Time between two writes of when commits moved, in milliseconds. */
const keepCommitsMs = 60_000;

/** A lag as it is shown. Pure. */
export const lagReadingOf = (lag: SourceLag): LagReading => ({
  records: lag.records,
  group: lag.group,
  topic: lag.topic,
  groups: lag.perGroup.map(({ group, topic, lag: records, lostToRetention }) => ({
    group,
    topic,
    records,
    lostToRetention,
  })),
  abandoned: lag.abandoned,
});

/** Whether the last sample is so young that another process has just taken it. Times by Redis' clock, in milliseconds. Pure. */
export const isJustSampled = ({ state }: SamplingState, nowMs: number, intervalMs: number): boolean => {
  // A clock that was set back shows samples of the future: these are old ones.
  if (state === null || state.at > nowMs) return false;
  return nowMs - state.at < intervalMs / 2;
};

/**
 * Where sampling goes on, of what this process wrote last and what stands in Redis. Numbers only rise, so a lower one means
 * that Redis lost its data (a flush, an older copy); without its history a source would go at full rate, onto consumers that
 * stand still. What is newer counts: others may have sampled since the loss. Pure.
 */
export const goOnFrom = (before: SamplingState | undefined, stored: SamplingState): SamplingState => {
  if (before === undefined || before.state === null || stored.number >= before.number) return stored;
  const isNewer = stored.state !== null && stored.state.at > before.state.at;
  return isNewer ? stored : { number: stored.number, state: before.state, written: stored.state?.slices ?? [] };
};

/**
 * Makes the act of taking one sample. A source whose lag cannot be read takes no step: its last decision ages. Rejects only
 * with what Redis answered (then it is read again where the sampling stands), or when `signal` aborts.
 */
export const createLagSampler = (
  deps: LagSamplerDeps,
  options: { readonly sources: readonly SampledSource[]; readonly intervalMs: number },
): ((signal: AbortSignal) => Promise<void>) => {
  const { reader, store, watch, memory, notes } = deps;
  const { sources, intervalMs } = options;
  const holdsMs = decisionHoldsMs(intervalMs);
  /** Where the sampling of each source stood when this process wrote it or read it last. */
  const held = new Map<string, SamplingState>();
  /** Sources of which that is where it stands now. */
  const sure = new Set<string>();
  const fullRates = new Map(sources.map(({ id, settings }) => [id, settings.maxSendRate]));
  let keptAt = Number.NEGATIVE_INFINITY;

  const toldOf = (sourceId: string, decision: ThrottleDecision): ToldDecision => ({
    decision,
    isFullRate: decision.allowedRate >= (fullRates.get(sourceId) ?? Number.POSITIVE_INFINITY),
  });

  /** Reads what this process is not sure of; gives the sources that are to be sampled now. */
  const takeUp = async (): Promise<readonly SampledSource[]> => {
    const missing = sources.filter(({ id }) => !sure.has(id)).map(({ id }) => id);
    if (missing.length === 0) return sources;
    const [states, decisions, commits] = await Promise.all([store.load(missing), store.read(missing), memory.load()]);
    for (const [sourceId, state] of states) {
      held.set(sourceId, goOnFrom(held.get(sourceId), state));
      sure.add(sourceId);
    }
    notes.recall(new Map([...decisions].map(([sourceId, { decision }]) => [sourceId, toldOf(sourceId, decision)])));
    const now = await store.now();
    // Nothing stands there before the first write, and after a loss.
    if (commits.length > 0) watch.recall(commits, now);
    const isLoaded = new Set(missing);
    return sources.filter(({ id }) => {
      const state = held.get(id);
      return state !== undefined && !(isLoaded.has(id) && isJustSampled(state, now, intervalMs));
    });
  };

  const readLags = async (
    due: readonly SampledSource[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceLag>> =>
    reader.read(
      new Map(due.map(({ id, topics }) => [id, topics])),
      new Map(due.map(({ id, groups }) => [id, groups])),
      await store.now(),
      signal,
    );

  const stepsOf = (
    due: readonly SampledSource[],
    lags: ReadonlyMap<string, SourceLag>,
    at: number,
  ): ReadonlyMap<string, ThrottleStep> => {
    const steps = new Map<string, ThrottleStep>();
    for (const { id, settings } of due) {
      const from = held.get(id);
      const lag = lags.get(id);
      if (from === undefined || lag === undefined || lag.failure !== null) continue;
      const { records, group, topic, ends } = lag;
      const made = decide(from.state, { at, lag: records, group, topic, ends }, settings);
      steps.set(id, { from, ...made, holdsMs, lag: lagReadingOf(lag) });
    }
    return steps;
  };

  const write = async (steps: ReadonlyMap<string, ThrottleStep>): Promise<void> => {
    // Until it is known that a step was written, where the sampling stands is not known either.
    for (const sourceId of steps.keys()) sure.delete(sourceId);
    const written = await store.step(steps);
    const told = new Map<string, ToldDecision>();
    for (const [sourceId, { from, state, decision }] of steps) {
      if (!written.has(sourceId)) continue;
      held.set(sourceId, { number: from.number + 1, state });
      sure.add(sourceId);
      told.set(sourceId, toldOf(sourceId, decision));
    }
    notes.decided(told);
  };

  return async (signal) => {
    const due = await takeUp();
    if (due.length === 0) return;
    const lags = await readLags(due, signal);
    signal.throwIfAborted();
    notes.read(lags);
    const at = await store.now();
    const steps = stepsOf(due, lags, at);
    if (steps.size === 0) return;
    await write(steps);
    if (Math.abs(at - keptAt) < keepCommitsMs) return;
    await memory.save(watch.remembered());
    keptAt = at;
  };
};
