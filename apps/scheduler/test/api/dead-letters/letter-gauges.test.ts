import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { expect, it } from 'vitest';
import { setLetterGauges } from '../../../src/api/dead-letters/letter-gauges.ts';

const dayMs = 86_400_000;

it('the gauge shows the letters of each source that expire within a day', async () => {
  const metrics = createMetrics();
  const failedAt: Readonly<Record<string, readonly number[]>> = { firms: [0, 1, 2], alerts: [] };
  const letters = {
    now: async () => 14 * dayMs,
    countUntil: async (ids: readonly string[], at: number) =>
      new Map(ids.map((id) => [id, (failedAt[id] ?? []).filter((day) => day * dayMs <= at).length])),
  };
  const options = { sourceIds: ['firms', 'alerts'], keepDays: 14 };
  await setLetterGauges({ letters, metrics }, options);
  expect((await metrics.deadLettersExpiring.get()).values).toEqual([
    { labels: { source: 'firms' }, value: 2 },
    { labels: { source: 'alerts' }, value: 0 },
  ]);
});
