// Which job schedulers there ought to be, from the config and the operator's flags. Pure.
import { createHash } from 'node:crypto';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isPolledType } from '@stream-manager/shared/config/source-types';
import { classOf, type PriorityClass } from '@stream-manager/shared/records/priority';

/** A job scheduler as it ought to be. */
export interface Schedule {
  /** BullMQ's job scheduler id. */
  readonly id: string;
  readonly sourceId: string;
  readonly repeat:
    | { readonly every: number; readonly offset: number }
    | { readonly pattern: string; readonly tz: string };
  /** BullMQ priority of the source's polls. */
  readonly pollPriority: PriorityClass;
  /** Hash of all of the above: what is compared before anything is written. */
  readonly definition: string;
}

/** Ours begin with this, so that schedulers of somebody else in the same queue are left alone. */
export const scheduleIdPrefix = 'source-';

/** A number from a source id, evenly spread: sources of one period do not all start at the same instant. */
const spread = (sourceId: string): number => createHash('sha256').update(sourceId).digest().readUInt32BE(0);

/** Records of mqtt and push come by themselves: there is nothing to poll, whatever the mode. */
export const isScheduled = ({ type }: Pick<ResolvedSource, 'type'>): boolean => isPolledType(type);

/** The schedule of one source, in any mode: a mode decides which of its ticks become polls, and for what time (poller-worker/src/modes). */
export const scheduleOf = (source: ResolvedSource): Schedule => {
  const repeat =
    source.cron === undefined
      ? // BullMQ takes offset 0 for none, and would then start the period at the time of the upsert.
        { every: source.periodMs, offset: Math.max(1, spread(source.id) % source.periodMs) }
      : { pattern: source.cron, tz: source.tz ?? 'UTC' };
  const wanted = {
    id: `${scheduleIdPrefix}${source.id}`,
    sourceId: source.id,
    repeat,
    pollPriority: classOf(source.priority),
  };
  const definition = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 12);
  return { ...wanted, definition };
};
