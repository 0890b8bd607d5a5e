// How urgent a single record is: its source's priority, raised (never lowered) by the rules it meets. Pure.
import type { RecordType } from '../records/envelope.ts';
import { moreUrgent, type Priority } from '../records/priority.ts';
import { compileCondition, type RecordData } from './match-rule.ts';
import type { Routing } from './routing-rule.ts';

/** What a priority is decided by. */
export interface PrioritisedRecord {
  readonly type: RecordType;
  readonly data: RecordData;
}

/** The priority of a record whose source has priority `base`. */
export type PriorityResolver = (record: PrioritisedRecord, base: Priority) => Priority;

/** FRP above which a detection of high confidence is critical, in megawatts. */
const criticalFrpMw = 100;
/** Confidence from which a detection counts as high where the source gives no class (MODIS: 80 %). */
const highConfidence = 0.8;

/** What every installation has: extreme and severe weather alerts, strong fires that are sure. Null = nothing to raise. */
const builtInPriority = ({ type, data }: PrioritisedRecord): Priority | null => {
  if (type === 'weather-alert') {
    if (data['severity'] === 'Extreme') return 'critical';
    return data['severity'] === 'Severe' ? 'high' : null;
  }
  if (type !== 'fire-detection') return null;
  const { frpMw, confidence, confidenceClass } = data;
  const isSure = confidenceClass === 'high' || (typeof confidence === 'number' && confidence >= highConfidence);
  return isSure && typeof frpMw === 'number' && frpMw > criticalFrpMw ? 'critical' : null;
};

/** Creates the resolver. Throws a SyntaxError for an expression that is none (the config refuses those). */
export const createPriorityResolver = (routing: Pick<Routing, 'rules'>): PriorityResolver => {
  const rules = routing.rules.flatMap(({ when, priority }) =>
    priority === undefined ? [] : [{ priority, test: compileCondition(when) }],
  );
  return (record, base) => {
    const builtIn = builtInPriority(record);
    let priority = builtIn === null ? base : moreUrgent(base, builtIn);
    for (const rule of rules) {
      if (priority === 'critical') break;
      if (rule.test(record.data)) priority = moreUrgent(priority, rule.priority);
    }
    return priority;
  };
};
