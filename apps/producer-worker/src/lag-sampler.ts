// Samples the real consumer lag of every source of the config and writes it for the fleet. One process does it at a time,
// whatever its SOURCES, so that Kafka sees the same load with 1 or 100 workers.

import type { ConsumerGroups, LagReader } from '@stream-manager/shared/lag/sample-lag';
import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { LagState } from '@stream-manager/shared/queues/source-state';

/** What is sampled of one source. */
export interface SampledSource {
  readonly id: string;
  readonly topics: readonly string[];
  readonly groups: ConsumerGroups;
}

export interface LagSamplerDeps {
  readonly reader: LagReader;
  readonly record: (lags: ReadonlyMap<string, LagState>) => Promise<void>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** A lag as the fleet keeps it. Pure. */
export const lagStateOf = (lag: SourceLag): LagState => ({
  records: lag.records,
  group: lag.group,
  topic: lag.topic,
  sampledAt: new Date(lag.sampledAt).toISOString(),
  groups: lag.perGroup.map(({ group, topic, lag: records }) => ({ group, topic, records })),
});

/**
 * Makes the act of taking one sample. A source whose lag could not be read keeps its last sample, whose age shows; what
 * is wrong is logged when it changes. Rejects only with what Redis answered.
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
    for (const [sourceId, lag] of lags) {
      tell(sourceId, lag);
      if (lag.failure === null) states.set(sourceId, lagStateOf(lag));
    }
    if (states.size > 0) await deps.record(states);
  };
};
