// A tick adds the poll of its source and is done: the next tick is armed when this one starts, so work done here would
// run beside the next tick's. A source has one poll at a time, waiting, delayed or active; a tick that meets it is over.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { NewPoll } from '@stream-manager/shared/queues/poll-queue';
import { pollingState, type SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { classOf, type Priority } from '@stream-manager/shared/records/priority';
import type { SourceMode } from './modes/modes.ts';

/**
 * `queued` a poll was added · `coalesced` there is one · `skipped` the source is not to be polled · `not_due` its mode lets
 * this tick pass.
 */
export type TickEnd = 'queued' | 'coalesced' | 'skipped' | 'not_due';

/** What the stage needs. */
export interface TickDeps {
  /** The config's sources, by id; absent: gone from the config, or disabled and without a connector. */
  readonly sources: ReadonlyMap<string, TickedSource>;
  readonly states: Pick<SourceStateStore, 'read' | 'recordPoll'>;
  readonly addPoll: (poll: NewPoll) => Promise<'queued' | 'coalesced'>;
  readonly metrics: Pick<Metrics, 'pollsTotal'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What of a source decides about its ticks. */
export interface TickedSource {
  readonly config: {
    readonly enabled: boolean;
    readonly priority: Priority;
    readonly periodMs: number;
  };
  readonly mode: Pick<SourceMode, 'isDue' | 'missedTicks'>;
}

/** Creates the stage. `run` rejects with what Redis answered, and with what a mode of the user's own threw. */
export const createTickStage = (
  deps: TickDeps,
): { run(tick: { readonly sourceId: string; readonly scheduledFor: number }): Promise<TickEnd> } => ({
  run: async ({ sourceId, scheduledFor }) => {
    const source = deps.sources.get(sourceId);
    // The scheduler takes its schedule away.
    if (source === undefined) return 'skipped';
    const { config, mode } = source;
    const states = await deps.states.read([sourceId]);
    if (pollingState(config, states.get(sourceId)) !== 'running') return 'skipped';
    try {
      if (!mode.isDue({ sourceId, scheduledFor, periodMs: config.periodMs })) return 'not_due';
    } catch (error) {
      // It counts as the poll that would have been: whoever looks at the source sees why nothing comes.
      const at = new Date(deps.now()).toISOString();
      deps.metrics.pollsTotal.inc({ source: sourceId, outcome: 'failed' });
      await deps.states.recordPoll(sourceId, {
        at,
        outcome: 'failed',
        records: 0,
        durationMs: 0,
        error: messageOf(error),
      });
      throw error;
    }
    const followsActive = mode.missedTicks === 'at_once';
    return deps.addPoll({
      sourceId,
      scheduledFor,
      priority: classOf(config.priority),
      ...(followsActive ? { followsActive } : {}),
    });
  },
});
