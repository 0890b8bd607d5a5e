// A tick adds the poll of its source and is done: the next tick is armed when this one starts, so work done here would
// run beside the next tick's. A source has one poll at a time, waiting, delayed or active; a tick that meets it is over.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { NewPoll } from '@stream-manager/shared/queues/poll-queue';
import { pollingState, type SourceStateStore } from '@stream-manager/shared/queues/source-state';
import { classOf } from '@stream-manager/shared/records/priority';
import { type EndOfPollDeps, startPollRecord } from './end-of-poll.ts';
import type { SourceMode } from './modes/modes.ts';
import type { PolledSource } from './polled-sources.ts';

/**
 * `queued` a poll was added · `coalesced` there is one · `skipped` the source is not to be polled · `not_due` its mode lets
 * this tick pass.
 */
export type TickEnd = 'queued' | 'coalesced' | 'skipped' | 'not_due';

/** What the stage needs. */
export interface TickDeps extends EndOfPollDeps {
  /** The config's sources, by id; absent: gone from the config, or disabled and without a connector. */
  readonly sources: ReadonlyMap<string, TickedSource>;
  readonly states: Pick<SourceStateStore, 'read' | 'recordPoll'>;
  readonly addPoll: (poll: NewPoll) => Promise<'queued' | 'coalesced'>;
}

/** What of a source decides about its ticks. */
export interface TickedSource {
  readonly config: Pick<PolledSource['config'], 'id' | 'type' | 'enabled' | 'priority' | 'periodMs'>;
  readonly mode: Pick<SourceMode, 'isDue' | 'missedTicks'>;
}

/** Creates the stage. `run` rejects with what Redis answered, and with what a mode of the user's own threw, without secrets. */
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
    const record = startPollRecord(deps, source, null);
    let fault: string | null = null;
    try {
      if (!mode.isDue({ sourceId, scheduledFor, periodMs: config.periodMs })) return 'not_due';
    } catch (error) {
      fault = deps.cutSecrets(messageOf(error));
    }
    if (fault !== null) {
      // It counts as the poll that would have been: whoever looks at the source sees why nothing comes.
      await record.failed(0, fault);
      throw new Error(fault);
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
