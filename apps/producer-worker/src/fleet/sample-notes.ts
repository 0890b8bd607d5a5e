// What a sampler says of what it sees: that a lag cannot be read, that records were lost to retention, that a source is
// throttled. Each once when it changes, never per sample, and of all sources that say the same at the same time together.
//
// What is told of a source's throttle, each arrow a line:
//
//   none ──► throttled ──► throttled_hard        back to none only when it is at full rate again: consumers that are slow
//     ▲          └──────────────┘ full rate      for ever make hundreds of decisions an hour, and that is one story.
//     └──► no_sample ◄── from each of them       What changes in between stands at debug.
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { ThrottleAction, ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { type SourceLine, tellAlike } from './alike-lines.ts';

/** A decision as it is told. `isFullRate`: the source may send as much as it ever may. */
export interface ToldDecision {
  readonly decision: ThrottleDecision;
  readonly isFullRate: boolean;
}

/** Lines about sources. */
export interface SampleNotes {
  /** What was read in one round, by source. */
  read(lags: ReadonlyMap<string, SourceLag>): void;
  /** Groups of the cluster of which it is not known what they read, each with why. */
  readonly unasked: (failures: ReadonlyMap<string, string>) => void;
  /** What was decided in one round, by source. */
  decided(decisions: ReadonlyMap<string, ToldDecision>): void;
  /** What was decided last by another process, which has told it. */
  recall(decisions: ReadonlyMap<string, ToldDecision>): void;
}

type Told = 'none' | 'throttled' | 'throttled_hard' | 'no_sample';

const toldLines = {
  none: { level: 'info', message: 'source is not throttled any more' },
  no_sample: { level: 'warn', message: 'no consumer group to follow: source goes at full rate' },
  throttled: { level: 'warn', message: 'source is throttled' },
  throttled_hard: { level: 'warn', message: 'source is throttled hard' },
} as const satisfies Record<Told, Pick<SourceLine, 'level' | 'message'>>;

const followedAgain = { level: 'info', message: 'source follows a consumer group' } as const;

/** What is to be told after this decision, given what was told last. Pure. */
const toldAfter = (told: Told, action: ThrottleAction, isFullRate: boolean): Told => {
  switch (action) {
    case 'no_sample':
      return 'no_sample';
    case 'throttle_critical':
      return 'throttled_hard';
    case 'throttle_moderate':
      return told === 'throttled_hard' ? told : 'throttled';
    case 'none':
      return isFullRate || told === 'no_sample' ? 'none' : told;
  }
};

/** Groups that a line names; of more it tells how many there are. */
const namedGroups = 10;

const lagTrouble = ({ failure, abandoned, unreadable, uncommitted }: SourceLag): string =>
  failure ??
  [
    ...unreadable.map((sentence) => `${sentence}; it is left out`),
    ...uncommitted.map(
      (group) => `group ${group} (throttling.consumerGroups) is unknown or has no commit on the topics of the source`,
    ),
    ...abandoned.map((group) => `group ${group} is ignored: no commit for a day`),
  ].join('; ');

const lostRecords = ({ perGroup }: SourceLag): string =>
  perGroup
    .filter(({ lostToRetention }) => lostToRetention > 0)
    .map(({ group, topic }) => `group ${group} on ${topic}`)
    .join('; ');

/** Creates the notes of a process. */
export const createSampleNotes = (deps: { readonly logger: Pick<Logger, 'info' | 'warn' | 'debug'> }): SampleNotes => {
  const { logger } = deps;
  const troubles = new Map<string, string>();
  const losses = new Map<string, string>();
  const toldOf = new Map<string, Told>();
  const actions = new Map<string, ThrottleAction>();
  let unaskedGroups = '';

  const hasChanged = (told: Map<string, string>, sourceId: string, now: string): boolean => {
    if ((told.get(sourceId) ?? '') === now) return false;
    told.set(sourceId, now);
    return true;
  };

  const troubleLine = (sourceId: string, lag: SourceLag): readonly SourceLine[] => {
    const trouble = lagTrouble(lag);
    if (!hasChanged(troubles, sourceId, trouble)) return [];
    if (trouble === '') return [{ level: 'info', message: 'consumer lag is known again', sourceId, why: null }];
    const why = { field: 'trouble', text: trouble };
    return [{ level: 'warn', message: 'consumer lag is not wholly known', sourceId, why }];
  };

  const lossLine = (sourceId: string, lag: SourceLag): readonly SourceLine[] => {
    // Of a lag that could not be read nothing is known.
    if (lag.failure !== null) return [];
    const lost = lostRecords(lag);
    if (!hasChanged(losses, sourceId, lost) || lost === '') return [];
    const message = 'retention deletes records before a consumer group has read them';
    return [{ level: 'warn', message, sourceId, why: { field: 'lost', text: lost } }];
  };

  const decidedLine = (sourceId: string, { decision, isFullRate }: ToldDecision): readonly SourceLine[] => {
    const { action, level, lag, allowedRate, delayMs, reason } = decision;
    const told = toldOf.get(sourceId) ?? 'none';
    const now = toldAfter(told, action, isFullRate);
    const isNewAction = action !== (actions.get(sourceId) ?? 'none');
    toldOf.set(sourceId, now);
    actions.set(sourceId, action);
    const fields = { lag, throttleLevel: level, allowedRate, delayMs };
    if (now === told) {
      if (isNewAction) logger.debug({ sourceId, action, reason, ...fields }, 'throttle changes');
      return [];
    }
    const line = told === 'no_sample' && now === 'none' ? followedAgain : toldLines[now];
    return [{ ...line, sourceId, why: { field: 'reason', text: reason }, fields }];
  };

  return {
    read: (lags) => {
      const all = [...lags];
      tellAlike(logger, [
        ...all.flatMap(([sourceId, lag]) => troubleLine(sourceId, lag)),
        ...all.flatMap(([sourceId, lag]) => lossLine(sourceId, lag)),
      ]);
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
    decided: (decisions) => {
      tellAlike(
        logger,
        [...decisions].flatMap(([sourceId, told]) => decidedLine(sourceId, told)),
      );
    },
    recall: (decisions) => {
      for (const [sourceId, { decision, isFullRate }] of decisions) {
        // On its way back to full rate: that it is throttled was told.
        const before = isFullRate ? 'none' : 'throttled';
        toldOf.set(sourceId, toldAfter(before, decision.action, isFullRate));
        actions.set(sourceId, decision.action);
      }
    },
  };
};
