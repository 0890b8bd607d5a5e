import { addAnswer } from '@stream-manager/shared/conditions/answer-history';
import { type Config, configSchema } from '@stream-manager/shared/config/schema';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import type { QueueCounts, SourceTotals } from '@stream-manager/shared/queues/chunk-store';
import type { ProviderBreaker } from '@stream-manager/shared/queues/provider-breaker-store';
import type { SourceState } from '@stream-manager/shared/queues/source-state';
import type { StoredDecision } from '@stream-manager/shared/queues/throttle-store';
import type { ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { describe, expect, it } from 'vitest';
import type { BreakerState } from '../src/fleet-breaker.ts';
import { setFleetGauges } from '../src/fleet-gauges.ts';

const { throttling }: Config = configSchema.parse({});
const noon = Date.parse('2026-05-01T12:00:00.000Z');

/** What is known of one source: its state, and the throttle's last decision. */
interface Known {
  readonly state: SourceState;
  readonly stored?: StoredDecision;
}

const low: ThrottleDecision = {
  action: 'none',
  level: 0,
  delayMs: 0,
  allowedRate: throttling.maxSendRate,
  lag: 7,
  averageLag: 7,
  targetRecords: 1_000,
  criticalRecords: 5_000,
  trendPerSecond: 0,
  drainSeconds: 0.5,
  reason: 'lag 7 is below the target',
};

/** A source whose lag was sampled this long ago. */
const sampled = (
  secondsAgo: number,
  changes: { readonly decision?: Partial<ThrottleDecision>; readonly polls?: 'started' } = {},
): Known => ({
  state: {
    flags: { polls: changes.polls ?? null, paused: false },
    lastPoll: null,
    answers: null,
    lag: {
      records: 7,
      group: 'readers',
      topic: 'fires',
      sampledAt: '2026-05-01T12:00:00.000Z',
      groups: [{ group: 'readers', topic: 'fires', records: 7, lostToRetention: 0 }],
      abandoned: [],
    },
  },
  stored: { decision: { ...low, ...changes.decision }, ageMs: secondsAgo * 1_000 },
});

const unsampled: Known = { state: { ...sampled(0).state, lag: null } };

const countsOf = (high: number): QueueCounts => ({ total: high, byPriority: { 1: 0, 2: high, 3: 0, 4: 0 } });

const setup = (known: Readonly<Record<string, Known>>, disabled: readonly string[] = []) => {
  const metrics = createMetrics();
  const current = new Map(Object.entries(known));
  const counts = new Map<string, QueueCounts>();
  const totals = new Map<string, SourceTotals>();
  const fleet: { breaker: BreakerState } = { breaker: 'closed' };
  const providers = new Map<string, ProviderBreaker>();
  const sources = [...current.keys()].map((id) => ({
    id,
    enabled: !disabled.includes(id),
    throttling,
    staleAfterMs: 3_600_000,
    host: id === 'pushed' ? null : 'api.example:443',
  }));
  const set = () =>
    setFleetGauges(
      {
        store: { counts: async () => counts, totals: async () => totals },
        states: { read: async () => new Map([...current].map(([id, { state }]) => [id, state])) },
        throttle: {
          read: async () =>
            new Map([...current].flatMap(([id, { stored }]) => (stored === undefined ? [] : [[id, stored]]))),
        },
        providers: { readMany: async () => providers },
        readBreaker: async () => fleet.breaker,
        metrics,
        now: () => noon,
      },
      { sources, retiredIds: ['gone', 'drained'], sampleIntervalMs: throttling.sampleIntervalMs },
    );
  const age = async () => (await metrics.lagSampleAgeSeconds.get()).values.map(({ value }) => value);
  return { set, age, current, counts, totals, fleet, providers, metrics };
};

describe('setFleetGauges', () => {
  it.each([
    {
      name: 'the oldest of all',
      known: { a: sampled(1), b: sampled(90), c: sampled(2) },
      disabled: [],
      expected: [90],
    },
    { name: 'not that of a disabled one', known: { a: sampled(1), b: sampled(90) }, disabled: ['b'], expected: [1] },
    {
      name: 'that of a disabled one that was started',
      known: { a: sampled(1), b: sampled(90, { polls: 'started' }) },
      disabled: ['b'],
      expected: [90],
    },
    { name: 'none without a sample', known: { a: unsampled }, disabled: [], expected: [] },
  ])('gives as the age of samples $name', async ({ known, disabled, expected }) => {
    const { set, age } = setup(known, disabled);
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
    expect(seen.filter(({ labels }) => labels.target === 'kafka').map(({ value }) => value)).toEqual([0, 1, 1]);
  });

  it('gives the breaker of each provider once, whatever is polled there', async () => {
    const { set, providers, metrics } = setup({ a: sampled(1), b: sampled(1), pushed: sampled(1) });
    const open = { failures: 5, until: null, error: 'refused' };
    const seen: unknown[] = [];
    for (const state of ['closed', 'open', 'half_open'] as const) {
      providers.set('api.example:443', { ...open, state });
      await set();
      const { values } = await metrics.breakerOpen.get();
      expect(new Set(values.map(({ labels }) => labels.target))).toEqual(new Set(['api.example:443', 'kafka']));
      expect(values).toHaveLength(2);
      seen.push(values.find(({ labels }) => labels.target !== 'kafka')?.value);
    }
    expect(seen).toEqual([0, 1, 1]);
  });

  it('gives what the answers of a polled source are like, and of one that nobody polls nothing', async () => {
    const answered = (ageMs: number): Known => ({
      state: {
        ...sampled(1).state,
        answers: addAnswer(null, { atMs: noon, rows: 7, newestObservedAtMs: noon - ageMs }, 'varying'),
      },
    });
    const { set, metrics } = setup(
      { fresh: answered(60_000), stale: answered(7_200_000), silent: sampled(1), off: answered(7_200_000) },
      ['off'],
    );
    await set();
    const { values } = await metrics.sourceCondition.get();
    const inState = (source: string) =>
      Object.fromEntries(
        values.flatMap((one) => (one.labels.source === source ? [[one.labels.state, one.value]] : [])),
      );
    expect(inState('fresh')).toEqual({ answers_but_stale: 0, row_count_unusual: 0 });
    expect(inState('stale')).toEqual({ answers_but_stale: 1, row_count_unusual: 0 });
    expect(inState('silent')).toEqual({ answers_but_stale: 0, row_count_unusual: 0 });
    expect(inState('off')).toEqual({});
    const ages = (await metrics.newestObservationAgeSeconds.get()).values;
    expect(ages.map(({ labels, value }) => [labels.source, value])).toEqual([
      ['fresh', 60],
      ['stale', 7_200],
    ]);
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

  it('gives what the throttle decided, and full rate for a source that was never sampled', async () => {
    const slow = sampled(1, {
      decision: { action: 'throttle_critical', level: 2, delayMs: 2_250, allowedRate: 312.5 },
    });
    const { set, metrics } = setup({ slow, fresh: unsampled });
    await set();
    const valuesOf = async (gauge: 'throttleLevel' | 'throttleDelaySeconds' | 'allowedRecordsPerSecond') =>
      Object.fromEntries((await metrics[gauge].get()).values.map(({ labels, value }) => [labels.source, value]));
    expect(await valuesOf('throttleLevel')).toEqual({ slow: 2, fresh: 0 });
    expect(await valuesOf('throttleDelaySeconds')).toEqual({ slow: 2.25, fresh: 0 });
    expect(await valuesOf('allowedRecordsPerSecond')).toEqual({ slow: 312.5, fresh: throttling.maxSendRate });
  });

  it('gives the time to drain: +Inf while nothing is read, none while it is not known', async () => {
    const { set, current, metrics } = setup({
      reading: sampled(1, { decision: { drainSeconds: 12.5 } }),
      stalled: sampled(1, { decision: { trendPerSecond: 40, drainSeconds: null } }),
      fresh: sampled(1, { decision: { trendPerSecond: null, drainSeconds: null } }),
      unsampled,
    });
    await set();
    const drains = async () =>
      Object.fromEntries(
        (await metrics.consumerLagDrainSeconds.get()).values.map((one) => [one.labels.source, one.value]),
      );
    expect(await drains()).toEqual({ reading: 12.5, stalled: Number.POSITIVE_INFINITY });
    expect(await metrics.registry.metrics()).toContain('consumer_lag_drain_seconds{source="stalled"} +Inf');
    current.set('stalled', sampled(90, { decision: { trendPerSecond: 40, drainSeconds: null } }));
    await set();
    expect(await drains()).toEqual({ reading: 12.5 });
  });

  it('shows no lag of a source whose sample is too old, but the age of the sample', async () => {
    const { set, age, current, metrics } = setup({ a: sampled(5) });
    await set();
    expect((await metrics.consumerLagRecords.get()).values).toMatchObject([{ labels: { source: 'a' }, value: 7 }]);
    current.set('a', sampled(40));
    await set();
    expect((await metrics.consumerLagRecords.get()).values).toEqual([]);
    expect(await age()).toEqual([40]);
  });

  it('shows of a source that is gone from the config what it holds, for as long as it holds it, and no throttle', async () => {
    const { set, counts, metrics } = setup({ a: sampled(1) });
    counts.set('a', countsOf(1)).set('gone', countsOf(5)).set('drained', countsOf(0));
    const sourcesOf = async (gauge: 'queueRecords' | 'throttleLevel') => [
      ...new Set((await metrics[gauge].get()).values.map(({ labels }) => labels.source)),
    ];
    await set();
    expect(await sourcesOf('queueRecords')).toEqual(['a', 'gone']);
    expect((await metrics.queueRecords.get()).values).toContainEqual(
      expect.objectContaining({ labels: { source: 'gone', priority: 'high' }, value: 5 }),
    );
    expect(await sourcesOf('throttleLevel')).toEqual(['a']);
    counts.set('gone', countsOf(0));
    await set();
    expect(await sourcesOf('queueRecords')).toEqual(['a']);
  });
});
