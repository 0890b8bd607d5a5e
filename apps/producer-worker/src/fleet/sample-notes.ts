// What a sampler says of what it sees: that a lag cannot be read, that records were lost to retention, that a source is
// throttled. Each once when it changes, never per sample.
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { ThrottleAction, ThrottleDecision } from '@stream-manager/shared/throttle/decision';

/** Lines about sources. */
export interface SampleNotes {
  /** What was read of a source. */
  read(sourceId: string, lag: SourceLag): void;
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

const lagTrouble = ({ failure, abandoned }: SourceLag): string =>
  failure ?? abandoned.map((group) => `group ${group} is ignored: no commit for a day`).join('; ');

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
