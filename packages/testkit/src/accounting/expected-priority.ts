// The priority that the built-in rules give a record (design.md, "Config"): a rule only raises what the source has.
import type { ExpectedContent } from './expected-record.ts';

const ranks = ['low', 'normal', 'high', 'critical'] as const;

export type PriorityName = (typeof ranks)[number];

/** NWS: Extreme is critical, Severe at least high. FIRMS: confidence high with more than 100 MW is critical. */
export const expectedPriority = (record: ExpectedContent, sourceDefault: PriorityName): PriorityName => {
  const { severity, confidenceClass, frpMw } = record.data;
  const isStrongFire = confidenceClass === 'high' && typeof frpMw === 'number' && frpMw > 100;
  if (severity === 'Extreme' || isStrongFire) return 'critical';
  if (severity === 'Severe' && ranks.indexOf(sourceDefault) < ranks.indexOf('high')) return 'high';
  return sourceDefault;
};
