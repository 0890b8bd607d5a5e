// Why the throttle decided as it did, in one clause for people: on the overview, in `streamctl lag`, in the log.
import type { ThrottlingSettings } from '../config/sections/throttling.ts';
import type { LagSample, LagThresholds, ThrottleState } from './decision.ts';
import type { LagWindow } from './lag-window.ts';
import { describeThreshold, describeTime } from './thresholds.ts';

/** Which rule decided. */
export type ThrottleRule = 'off' | 'no_group' | 'flow_unknown' | 'low' | 'target' | 'critical' | 'critical_average';

/** What a decision was made from. `watchedMs`: for how long the flow to the topics is known. */
export interface Grounds {
  readonly rule: ThrottleRule;
  readonly sample: LagSample;
  readonly window: LagWindow;
  readonly thresholds: LagThresholds;
  readonly pace: Pick<ThrottleState, 'level' | 'allowedRate' | 'lowSamples'>;
  readonly watchedMs: number;
}

/** Records for people: `7,400`. */
const printRecords = (records: number): string => Math.round(records).toLocaleString('en-US');

/** A clause without a full stop. */
export function explain(grounds: Grounds, settings: ThrottlingSettings): string {
  const { rule, thresholds, window } = grounds;
  const lag = describeLag(grounds.sample);
  const target = describeThreshold(thresholds.target ?? 0, settings.targetConsumerLag);
  const critical = describeThreshold(thresholds.critical ?? 0, settings.criticalConsumerLag);
  switch (rule) {
    case 'off':
      return `throttling is turned off; ${lag}`;
    case 'no_group':
      return lag;
    case 'flow_unknown':
      return `${lag}, not judged yet: ${describeWait(grounds.watchedMs, settings)}`;
    case 'low':
      return `${lag} is below the target ${target}${describeRecovery(grounds, settings)}`;
    case 'target':
      return `${lag} is at least the target ${target}`;
    case 'critical':
      return `${lag} is at least the critical ${critical}`;
    case 'critical_average':
      return `${lag} is at least the target ${target}, and its average over ${settings.windowSeconds}s, ${printRecords(window.averageLag ?? 0)}, at least the critical ${critical}`;
  }
}

const describeLag = ({ lag, group, topic }: LagSample): string => {
  // There may be one that is ignored, since its commits have not moved for a day; whoever shows this names it beside it.
  if (lag === null) return "no consumer group that counts has a commit on the source's topics";
  const ofGroup = group === null ? '' : ` of group ${group}`;
  return `lag ${printRecords(lag)}${ofGroup}${topic === null ? '' : ` on ${topic}`}`;
};

const describeWait = (watchedMs: number, { targetConsumerLag }: ThrottlingSettings): string =>
  targetConsumerLag.kind === 'time'
    ? `the target is ${describeTime(targetConsumerLag.ms)} of flow, and the flow is known for ${Math.floor(watchedMs / 1_000)}s`
    : 'the target is not known';

function describeRecovery({ pace }: Grounds, { recoveryChecks, maxSendRate }: ThrottlingSettings): string {
  if (pace.allowedRate >= maxSendRate) return '';
  return pace.lowSamples < recoveryChecks
    ? `, ${pace.lowSamples} of ${recoveryChecks} such samples before the rate rises again`
    : ', and the rate is rising again';
}
