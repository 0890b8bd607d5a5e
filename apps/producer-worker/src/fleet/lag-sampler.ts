// Samples the real consumer lag of every source of the config and writes it for the fleet. One process does it at a time,
// whatever its SOURCES, so that Kafka sees the same load with 1 or 100 workers.

import type { ConsumerGroups, LagReader } from '@stream-manager/shared/lag/sample-lag';
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { LagState, SourceState } from '@stream-manager/shared/queues/source-state';

/** What is sampled of one source. */
export interface SampledSource {
  readonly id: string;
  readonly topics: readonly string[];
  readonly groups: ConsumerGroups;
}

export interface LagSamplerDeps {
  readonly reader: LagReader;
  readonly record: (lags: ReadonlyMap<string, LagState>) => Promise<void>;
  /** What the fleet has of these sources: whoever sampled before may have been another process. */
  readonly last: (sourceIds: readonly string[]) => Promise<ReadonlyMap<string, Pick<SourceState, 'lag'>>>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** While a lag cannot be read, the last one holds this long, in milliseconds. Older ones are not known. */
export const lagHoldsMs = 30_000;

/** A lag as the fleet keeps it. Pure. */
export const lagStateOf = (lag: SourceLag): LagState => ({
  records: lag.records,
  group: lag.group,
  topic: lag.topic,
  sampledAt: new Date(lag.sampledAt).toISOString(),
  groups: lag.perGroup.map(({ group, topic, lag: records, lostToRetention }) => ({
    group,
    topic,
    records,
    lostToRetention,
  })),
  abandoned: lag.abandoned,
});

/** What becomes of the last sample of a source that cannot be read: null = it stays; else unknown, as old as it is. Pure. */
export const outlivedLag = (lag: LagState | null, nowMs: number): LagState | null => {
  if (lag === null || (lag.records === null && lag.groups.length === 0)) return null;
  if (nowMs - Date.parse(lag.sampledAt) <= lagHoldsMs) return null;
  return { records: null, group: null, topic: null, sampledAt: lag.sampledAt, groups: [], abandoned: [] };
};

/**
 * Makes the act of taking one sample. A source whose lag could not be read keeps its last sample for 30 s, then its lag is
 * unknown, with the time of that sample; what is wrong is logged when it changes. Rejects only with what Redis answered.
 */
export const createLagSampler = (deps: LagSamplerDeps, sources: readonly SampledSource[]): (() => Promise<void>) => {
  const topics = new Map(sources.map((source) => [source.id, source.topics]));
  const groups = new Map(sources.map((source) => [source.id, source.groups]));
  const told = new Map<string, string>();

  const tell = (sourceId: string, lag: SourceLag): void => {
    const trouble =
      lag.failure ?? lag.abandoned.map((group) => `group ${group} is ignored: no commit for a day`).join('; ');
    if (trouble === (told.get(sourceId) ?? '')) return;
    told.set(sourceId, trouble);
    if (trouble === '') deps.logger.info({ sourceId }, 'consumer lag is known again');
    else deps.logger.warn({ sourceId, trouble }, 'consumer lag is not wholly known');
  };

  return async () => {
    const lags = await deps.reader.read(topics, groups);
    const states = new Map<string, LagState>();
    const unread = new Map<string, SourceLag>();
    for (const [sourceId, lag] of lags) {
      tell(sourceId, lag);
      if (lag.failure === null) states.set(sourceId, lagStateOf(lag));
      else unread.set(sourceId, lag);
    }
    if (unread.size > 0) {
      for (const [sourceId, { lag }] of await deps.last([...unread.keys()])) {
        const outlived = outlivedLag(lag, unread.get(sourceId)?.sampledAt ?? 0);
        if (outlived !== null) states.set(sourceId, outlived);
      }
    }
    if (states.size > 0) await deps.record(states);
  };
};
