import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { describe, expect, it } from 'vitest';
import { mergeMetrics, parseMetrics, renderMetrics } from '../../src/fleet-metrics/metric-families.ts';

/** What a process with these counts serves. */
const served = async (
  instance: string,
  counts: { readonly polls: number; readonly queued: number; readonly fetch: number },
) => {
  const metrics = createMetrics();
  metrics.pollsTotal.inc({ source: 'a "b"\\\n', outcome: 'ok' }, counts.polls);
  metrics.queueRecords.set({ source: 'fires', priority: 'high' }, counts.queued);
  metrics.consumerLagDrainSeconds.set({ source: 'fires' }, Number.POSITIVE_INFINITY);
  metrics.fetchSeconds.observe({ source: 'fires' }, counts.fetch);
  return { labels: { instance, role: 'scheduler' }, families: parseMetrics(await metrics.registry.metrics()) };
};

const samplesOf = (families: ReturnType<typeof mergeMetrics>, name: string) =>
  families.flatMap(({ samples }) => samples.filter((sample) => sample.name === name));

describe('the metrics of several processes', () => {
  it('add up what is counted, and keep each state apart', async () => {
    const merged = mergeMetrics([
      await served('one', { polls: 2, queued: 5, fetch: 0.03 }),
      await served('two', { polls: 3, queued: 7, fetch: 2 }),
    ]);
    expect(samplesOf(merged, 'stream_manager_polls_total')).toEqual([
      { name: 'stream_manager_polls_total', labels: { source: 'a "b"\\\n', outcome: 'ok' }, value: 5 },
    ]);
    expect(samplesOf(merged, 'stream_manager_queue_records')).toEqual(
      [
        { instance: 'one', value: 5 },
        { instance: 'two', value: 7 },
      ].map(({ instance, value }) => ({
        name: 'stream_manager_queue_records',
        labels: { source: 'fires', priority: 'high', instance, role: 'scheduler' },
        value,
      })),
    );
    expect(samplesOf(merged, 'stream_manager_fetch_seconds_count')).toEqual([
      { name: 'stream_manager_fetch_seconds_count', labels: { source: 'fires' }, value: 2 },
    ]);
    const buckets = samplesOf(merged, 'stream_manager_fetch_seconds_bucket');
    expect(Object.fromEntries(buckets.map(({ labels, value }) => [labels['le'], value]))).toMatchObject({
      '0.025': 0,
      '0.05': 1,
      '1': 1,
      '2.5': 2,
      '+Inf': 2,
    });
    expect(merged.find(({ name }) => name === 'stream_manager_fetch_seconds')).toMatchObject({ type: 'histogram' });
  });

  it('are read again as they were written', async () => {
    const { families } = await served('one', { polls: 2, queued: 5, fetch: 0.03 });
    const filled = families.filter(({ samples }) => samples.length > 0);
    expect(parseMetrics(renderMetrics(filled))).toEqual(filled);
    expect(samplesOf(filled, 'stream_manager_consumer_lag_drain_seconds')[0]?.value).toBe(Number.POSITIVE_INFINITY);
  });

  it.each(['', '"', '\\', '\\n', '\n', 'a="b"', '} 5', 'é😀', '# HELP a b'])('hold a label that is %j', (label) => {
    const family = { name: 'a', type: 'gauge', help: label, samples: [{ name: 'a', labels: { label }, value: 0.1 }] };
    const [read] = parseMetrics(renderMetrics([family]));
    expect(read?.samples).toEqual(family.samples);
  });

  it.each(['', '{', 'a', 'a{b} x', '# TYPE', '# HELP a', 'a{b="c} 1', '\n\n', '{}{}{}'])(
    'are read without harm from %j',
    (text) => {
      expect(parseMetrics(text).flatMap(({ samples }) => samples)).toEqual([]);
    },
  );
});
