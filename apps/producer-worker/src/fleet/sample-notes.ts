// What a sampler says of what it sees: that a lag cannot be read, that records were lost to retention, that a source is
// throttled. Each once when it changes, never per sample.
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { ThrottleAction, ThrottleDecision } from '@stream-manager/shared/throttle/decision';

/** Lines about sources. */
export interface SampleNotes {
  /** What was read of a source. */
  read(sourceId: string, lag: SourceLag): void;
  /** Groups of the cluster of which it is not known what they read, each with why. */
  readonly unasked: (failures: ReadonlyMap<string, string>) => void;
  /** What was decided for it. */
  decided(sourceId: string, decision: ThrottleDecision): void;
  /** What was decided last by another process, which has told it. */
  recall(sourceId: string, action: ThrottleAction): void;
}

const decidedLines = {
  none: { level: 'info', message: 'source is not throttled any more' },
  no_sample: { level: 'warn', message: 'no consumer group to follow: source goes at full rate' },
  throttle_moderate: { level: 'warn', message: 'source is throttled' },
  throttle_critical: { level: 'warn', message: 'source is throttled hard' },
} as const satisfies Record<ThrottleAction, { readonly level: 'info' | 'warn'; readonly message: string }>;

/** Groups that a line names; of more it tells how many there are. */
const namedGroups = 10;

const lagTrouble = ({ failure, abandoned, unreadable }: SourceLag): string =>
  failure ??
  [
    ...unreadable.map((sentence) => `${sentence}; it is left out`),
    ...abandoned.map((group) => `group ${group} is ignored: no commit for a day`),
  ].join('; ');

const lostRecords = ({ perGroup }: SourceLag): string =>
  perGroup
    .filter(({ lostToRetention }) => lostToRetention > 0)
    .map(({ group, topic }) => `group ${group} on ${topic}`)
    .join('; ');

/** Creates the notes of a process. */
export const createSampleNotes = (deps: { readonly logger: Pick<Logger, 'info' | 'warn'> }): SampleNotes => {
  const { logger } = deps;
  const troubles = new Map<string, string>();
  const losses = new Map<string, string>();
  const actions = new Map<string, ThrottleAction>();
  let unaskedGroups = '';

  const hasChanged = (told: Map<string, string>, sourceId: string, now: string): boolean => {
    if ((told.get(sourceId) ?? '') === now) return false;
    told.set(sourceId, now);
    return true;
  };

  return {
    read: (sourceId, lag) => {
      const trouble = lagTrouble(lag);
      if (hasChanged(troubles, sourceId, trouble)) {
        if (trouble === '') logger.info({ sourceId }, 'consumer lag is known again');
        else logger.warn({ sourceId, trouble }, 'consumer lag is not wholly known');
      }
      // Of a lag that could not be read nothing is known.
      if (lag.failure !== null) return;
      const lost = lostRecords(lag);
      if (hasChanged(losses, sourceId, lost) && lost !== '')
        logger.warn({ sourceId, lost }, 'retention deletes records before a consumer group has read them');
    },
    unasked: (failures) => {
      const groups = [...failures.keys()].sort();
      const told = groups.join(' ');
      if (told === unaskedGroups) return;
      unaskedGroups = told;
      const [first] = groups;
      if (first === undefined) logger.info('all consumer groups can be asked again');
      else
        logger.warn(
          { groups: groups.slice(0, namedGroups), count: groups.length, reason: failures.get(first) },
          'consumer groups cannot be asked what they read: they count for no source until they can',
        );
    },
    decided: (sourceId, { action, level, lag, allowedRate, delayMs, reason }) => {
      const before = actions.get(sourceId) ?? 'none';
      actions.set(sourceId, action);
      if (action === before) return;
      const line = decidedLines[action];
      logger[line.level]({ sourceId, reason, lag, throttleLevel: level, allowedRate, delayMs }, line.message);
    },
    recall: (sourceId, action) => {
      actions.set(sourceId, action);
    },
  };
};
