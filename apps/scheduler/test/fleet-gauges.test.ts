import { createMetrics } from '@stream-manager/shared/observability/metrics';
import type { SourceTotals } from '@stream-manager/shared/queues/chunk-store';
import type { SourceState } from '@stream-manager/shared/queues/source-state';
import { describe, expect, it } from 'vitest';
import type { BreakerState } from '../src/fleet-breaker.ts';
import { setFleetGauges } from '../src/fleet-gauges.ts';

const noon = Date.parse('2026-05-01T12:00:00.000Z');

/** A source whose lag was sampled this many seconds before noon. */
const sampled = (secondsAgo: number, changes: Partial<SourceState['flags']> = {}): SourceState => ({
  flags: { polls: null, paused: false, ...changes },
  lastPoll: null,
  lag: {
    records: 7,
    group: 'readers',
    topic: 'fires',
    sampledAt: new Date(noon - secondsAgo * 1_000).toISOString(),
    groups: [{ group: 'readers', topic: 'fires', records: 7 }],
  },
});

const setup = (states: Readonly<Record<string, SourceState>>, disabled: readonly string[] = []) => {
  const metrics = createMetrics();
  const current = new Map(Object.entries(states));
  const totals = new Map<string, SourceTotals>();
  const fleet: { breaker: BreakerState } = { breaker: 'closed' };
  const sources = [...current.keys()].map((id) => ({ id, allowedRate: 100, enabled: !disabled.includes(id) }));
  const set = () =>
    setFleetGauges(
      {
        store: { counts: async () => new Map(), totals: async () => totals },
        states: { read: async () => current },
        readBreaker: async () => fleet.breaker,
        metrics,
        now: () => noon,
      },
      sources,
    );
  const age = async () => (await metrics.lagSampleAgeSeconds.get()).values.map(({ value }) => value);
  return { set, age, current, totals, fleet, metrics };
};

describe('setFleetGauges', () => {
  it.each([
    {
      name: 'the oldest of all',
      states: { a: sampled(1), b: sampled(90), c: sampled(2) },
      disabled: [],
      expected: [90],
    },
    { name: 'not that of a disabled one', states: { a: sampled(1), b: sampled(90) }, disabled: ['b'], expected: [1] },
    {
      name: 'that of a disabled one that was started',
      states: { a: sampled(1), b: sampled(90, { polls: 'started' }) },
      disabled: ['b'],
      expected: [90],
    },
    { name: 'none without a sample', states: { a: { ...sampled(1), lag: null } }, disabled: [], expected: [] },
  ])('gives as the age of samples $name', async ({ states, disabled, expected }) => {
    const { set, age } = setup(states, disabled);
    await set();
    expect(await age()).toEqual(expected);
  });

  it('gives 1 while a breaker keeps records from Kafka', async () => {
    const { set, fleet, metrics } = setup({ a: sampled(1) });
    const seen = [];
    for (const breaker of ['closed', 'open', 'half_open'] as const) {
      fleet.breaker = breaker;
      await set();
      seen.push(...(await metrics.breakerOpen.get()).values);
    }
    expect(seen).toEqual([0, 1, 1].map((value) => ({ labels: { target: 'kafka' }, value })));
  });

  it('gives how often remembered ids were forgotten early, 0 before anything is counted', async () => {
    const { set, totals, metrics } = setup({ a: sampled(1), b: sampled(1) });
    totals.set('a', { published: 1, dropped: 0, earlyRotations: 3 });
    await set();
    expect((await metrics.dedupeEarlyRotations.get()).values).toMatchObject([
      { labels: { source: 'a' }, value: 3 },
      { labels: { source: 'b' }, value: 0 },
    ]);
  });

  it('shows no lag of a source whose lag is not known any more, but the age of its sample', async () => {
    const { set, age, current, metrics } = setup({ a: sampled(5) });
    await set();
    expect((await metrics.consumerLagRecords.get()).values).toMatchObject([{ labels: { source: 'a' }, value: 7 }]);
    const { lag } = sampled(40);
    if (lag === null) throw new Error('a sampled source has a lag');
    current.set('a', { ...sampled(40), lag: { ...lag, records: null, group: null, topic: null, groups: [] } });
    await set();
    expect((await metrics.consumerLagRecords.get()).values).toEqual([]);
    expect(await age()).toEqual([40]);
  });
});
