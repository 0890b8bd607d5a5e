// Sources that ask the same provider with the same key share one budget there: the lowest of their limits holds for all.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { rateLimitTarget } from '../http/target.ts';

/** What the provider of a source counts requests by beside the host: the source's key, or null. */
const credentialOf = (source: ResolvedSource): string | null => {
  if (source.type === 'nasa-firms') return source.params.mapKey;
  if (source.type === 'purpleair' || source.type === 'airnow') return source.params.apiKey;
  return null;
};

const targetOf = (source: ResolvedSource): string | null =>
  source.baseUrl === undefined ? null : rateLimitTarget(new URL(source.baseUrl), credentialOf(source));

/** Requests per minute for a source, given all sources of the config. A disabled one does not lower the others' limit. */
export const limitFor = (source: ResolvedSource, all: readonly ResolvedSource[]): number => {
  const target = targetOf(source);
  const sharing = all.filter((other) => other.enabled && target !== null && targetOf(other) === target);
  return Math.min(source.rateLimitPerMinute, ...sharing.map((other) => other.rateLimitPerMinute));
};
