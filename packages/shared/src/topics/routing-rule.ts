// The part of the config that routes records, as the pure rooms see it.
import type { Priority } from '../records/priority.ts';
import type { RuleCondition } from './match-rule.ts';

/** A content rule: where records go that meet the condition, or how urgent they are at least, or both. */
export interface RoutingRule {
  readonly when: RuleCondition;
  readonly topic?: string | undefined;
  readonly priority?: Priority | undefined;
}

/** Section `routing` of the config. */
export interface Routing {
  /** Topic by source id, exactly as written. */
  readonly custom: Readonly<Record<string, string>>;
  readonly rules: readonly RoutingRule[];
  /** Regular expressions on the lower-cased source id, `-` read as `_`, matched at its start. */
  readonly patterns: readonly { readonly match: string; readonly topic: string }[];
  readonly default: string;
}
