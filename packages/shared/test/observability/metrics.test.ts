import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';

const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');

describe('metrics', () => {
  it('are all in docs/metrics.md, with type, labels and help', async () => {
    const { registry } = createMetrics();
    const rows = registry.getMetricsAsArray().map((metric) => {
      // prom-client keeps the labels on the metric, but not in its public type.
      const labels = (metric as unknown as { labelNames: string[] }).labelNames;
      return `| \`${metric.name}\` | ${metric.type} | ${labels.join(', ') || '–'} | ${metric.help} |`;
    });
    expect(rows.length).toBeGreaterThan(15);
    expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
  });

  it('have the prefix of the system, and no two registries share anything', async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.pollsTotal.inc({ source: 'a', outcome: 'ok' });
    expect(await first.registry.metrics()).toContain('stream_manager_polls_total{source="a",outcome="ok"} 1');
    expect(await second.registry.metrics()).not.toContain('source="a"');
  });
});
