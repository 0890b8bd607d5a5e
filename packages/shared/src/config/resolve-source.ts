// One source with nothing left open: its own values over the global ones, and the defaults that depend on its type, mode
// or other values. What pollers and producers work with.
import { given, leastDedupeHours, periodMs } from './cross-checks.ts';
import type { Config, SourceConfig } from './schema.ts';
import { type QueueSettings, resolveQueue } from './sections/queue.ts';
import type { ThrottlingSettings } from './sections/throttling.ts';
import { isPolledType } from './source-types.ts';

const hourMs = 3_600_000;

/** What resolving adds to a source's entry, or puts in place of its optional values. */
type Resolved = {
  /** The source id: its key under `sources`. */
  readonly id: string;
  /** Shortest time between two polls in milliseconds: `everyMs`, or that of the cron expression. */
  readonly periodMs: number;
  /** Milliseconds per HTTP exchange. */
  readonly timeoutMs: number;
  /** Milliseconds that an answer is served again: at most 0.9 of the period; 0 is off. */
  readonly cacheTtlMs: number;
  /** Milliseconds that an id is remembered after it was last in an answer. */
  readonly dedupeWindowMs: number;
  /** Age of the newest observation above which an answer is stale, in milliseconds; null: never. */
  readonly staleAfterMs: number | null;
  readonly queue: QueueSettings;
  readonly throttling: ThrottlingSettings;
};

// Distributes over the variants, so that `type` still decides what `params` is.
type Resolve<S> = S extends SourceConfig
  ? Omit<S, keyof Resolved | 'timeoutSeconds' | 'cacheTtlSeconds' | 'dedupeWindowHours' | 'staleAfter'> & Resolved
  : never;

/** A source as pollers and producers use it; `type` decides what `params` holds. */
export type ResolvedSource = Resolve<SourceConfig>;

/** Resolves one source. Throws a RangeError for an id that the config does not have. */
export function resolveSource(config: Config, sourceId: string): ResolvedSource {
  const source = Object.hasOwn(config.sources, sourceId) ? config.sources[sourceId] : undefined;
  if (source === undefined)
    throw new RangeError(`the config has no source "${sourceId}" (it has ${Object.keys(config.sources).join(', ')})`);
  const { timeoutSeconds, cacheTtlSeconds, dedupeWindowHours, staleAfter, queue, throttling, ...rest } = source;
  const period = periodMs(source);
  const resolved: Resolved = {
    id: sourceId,
    periodMs: period,
    timeoutMs: Math.round(timeoutSeconds * 1_000),
    cacheTtlMs: Math.floor(Math.min(cacheTtlSeconds * 1_000, period * 0.9)),
    dedupeWindowMs: Math.round((dedupeWindowHours ?? defaultDedupeHours(source)) * hourMs),
    staleAfterMs: staleAfter === undefined ? defaultStaleAfterMs(source) : staleAfter,
    queue: resolveQueue({ ...config.queue, ...given(queue ?? {}) }),
    throttling: { ...config.throttling, ...given(throttling ?? {}) },
  };
  return { ...rest, ...resolved };
}

/** 72 h, or what the source returns and a day when that is more; what comes by itself is not returned again: 1 h. */
const defaultDedupeHours = (source: SourceConfig): number =>
  isPolledType(source.type) ? Math.max(72, leastDedupeHours(source)) : 1;

/** How old the newest observation of an answer may be before it is a sign that the provider has none: by type, or never. */
const defaultStaleAfterMs = (source: SourceConfig): number | null => {
  switch (source.type) {
    case 'noaa-stations':
    case 'metar':
      return 3 * hourMs;
    case 'purpleair':
      return 2 * hourMs;
    case 'airnow':
      return 4 * hourMs;
    case 'noaa-forecasts':
      return 24 * hourMs;
    case 'nasa-firms':
      // Standard products come months after what they show.
      return source.params.dataset.endsWith('_SP') ? null : (source.params.dayRange + 1) * 24 * hourMs;
    case 'noaa-alerts':
    case 'mqtt':
    case 'http':
    case 'push':
    case 'custom':
      return null;
  }
};
