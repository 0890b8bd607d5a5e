// A tick adds the poll of its source and is done: the next tick is armed when this one starts, so work done here would
// run beside the next tick's. A source has one poll at a time, waiting, delayed or active; a tick that meets it is over.
import type { NewPoll } from '@stream-manager/shared/queues/poll-queue';
import { type SourceStateStore, streamState } from '@stream-manager/shared/queues/source-state';
import { classOf, type Priority } from '@stream-manager/shared/records/priority';

/** `queued` a poll was added · `coalesced` there is one · `skipped` the source is not to be polled. */
export type TickEnd = 'queued' | 'coalesced' | 'skipped';

/** What the stage needs. */
export interface TickDeps {
  /** The config's sources, by id. */
  readonly sources: Readonly<Record<string, { readonly enabled: boolean; readonly priority: Priority }>>;
  readonly states: Pick<SourceStateStore, 'read'>;
  readonly addPoll: (poll: NewPoll) => Promise<'queued' | 'coalesced'>;
}

/** Creates the stage. */
export const createTickStage = (
  deps: TickDeps,
): { run(tick: { readonly sourceId: string; readonly scheduledFor: number }): Promise<TickEnd> } => ({
  run: async ({ sourceId, scheduledFor }) => {
    const source = Object.hasOwn(deps.sources, sourceId) ? deps.sources[sourceId] : undefined;
    // Gone from the config: the scheduler takes its schedule away.
    if (source === undefined) return 'skipped';
    const states = await deps.states.read([sourceId]);
    const flags = states.get(sourceId)?.flags ?? { polls: null, paused: false };
    // What the queue still holds makes a disabled source "retiring", which is not polled either.
    const state = streamState({ flags, inConfig: true, enabled: source.enabled, recordsHeld: 0 });
    return state === 'running'
      ? deps.addPoll({ sourceId, scheduledFor, priority: classOf(source.priority) })
      : 'skipped';
  },
});
