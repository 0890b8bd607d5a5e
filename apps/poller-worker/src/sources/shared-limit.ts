// Sources that ask the same provider with the same key share one budget there: the lowest of their limits holds for all.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { credentialOf } from '../http/auth.ts';
import { rateLimitTarget } from '../http/target.ts';

/** What the type of a source has the provider count requests by beside the host: the source's key, or null. */
const ownCredential = (source: ResolvedSource): string | null => {
  if (source.type === 'nasa-firms') return source.params.mapKey;
  if (source.type === 'purpleair' || source.type === 'airnow') return source.params.apiKey;
  return null;
};

const targetOf = (source: ResolvedSource): string | null =>
  source.baseUrl === undefined
    ? null
    : rateLimitTarget(new URL(source.baseUrl), credentialOf(ownCredential(source), source.auth));

const sharingWith = (source: ResolvedSource, all: readonly ResolvedSource[]): readonly ResolvedSource[] => {
  const target = targetOf(source);
  return all.filter((other) => other.enabled && target !== null && targetOf(other) === target);
};

/** Requests per minute for a source, given all sources of the config. A disabled one does not lower the others' limit. */
export const limitFor = (source: ResolvedSource, all: readonly ResolvedSource[]): number => {
  const limits = sharingWith(source, all).map((other) => other.rateLimitPerMinute);
  return Math.min(source.rateLimitPerMinute, ...limits);
};

/** The budget of a day that a source draws on: its name, and the lowest `dailyBudget` of those who share it; null: none has one. */
export const dayBudgetFor = (
  source: ResolvedSource,
  all: readonly ResolvedSource[],
): { readonly budget: string; readonly perDay: number | null } => {
  const budgets = [source, ...sharingWith(source, all)].flatMap(({ dailyBudget }) => dailyBudget ?? []);
  // No target is named like a source: source ids have no dot.
  return {
    budget: targetOf(source) ?? `source.${source.id}`,
    perDay: budgets.length === 0 ? null : Math.min(...budgets),
  };
};
