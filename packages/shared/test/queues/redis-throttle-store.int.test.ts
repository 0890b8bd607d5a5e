import { waitUntil } from '@stream-manager/testkit/wait-until';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSourceStateStore } from '../../src/queues/source-state.ts';
import type { SamplingState } from '../../src/queues/throttle-store.ts';
import type { Slice, ThrottleState } from '../../src/throttle/decision.ts';
import { startOwnRedis } from './own-redis.ts';
import { never, openThrottleStore, throttleDecision, throttleState, throttleStep } from './throttle-store-bundle.ts';

const slicesFrom = (slots: readonly number[]): readonly Slice[] =>
  slots.map((slot) => ({ slot, lagSum: slot / 3, samples: 1, published: slot }));

describe('a step of the throttle', () => {
  it('leaves nothing of a source that was never sampled', async () => {
    await using bundle = openThrottleStore();
    expect(await bundle.store.load(['fires', 'other'])).toEqual(
      new Map([
        ['fires', never],
        ['other', never],
      ]),
    );
    expect(await bundle.store.read(['fires'])).toEqual(new Map());
    expect(await bundle.store.read([])).toEqual(new Map());
    expect(await bundle.store.load([])).toEqual(new Map());
  });

  it('gives back exactly what it was given: state, decision and lag', async () => {
    await using bundle = openThrottleStore();
    const step = throttleStep(never, { at: await bundle.store.now() });
    expect(await bundle.store.step(new Map([['fires', step]]))).toEqual(new Set(['fires']));
    expect(await bundle.store.load(['fires'])).toEqual(new Map([['fires', { number: 1, state: step.state }]]));
    const stored = (await bundle.store.read(['none', 'fires'])).get('fires');
    expect(stored?.decision).toEqual(step.decision);
    expect(stored?.ageMs).toBeGreaterThanOrEqual(0);
    expect(stored?.ageMs).toBeLessThan(60_000);
    const { lag } = (await createSourceStateStore(bundle.redis, bundle.keyPrefix).read(['fires'])).get('fires') ?? {};
    expect(lag).toEqual({ ...step.lag, sampledAt: new Date(step.state.at).toISOString() });
  });

  it('says how old the decision is, by the clock of Redis', async () => {
    await using bundle = openThrottleStore();
    await bundle.decide({ at: (await bundle.store.now()) - 500_000 });
    const ageMs = (await bundle.store.read(['fires'])).get('fires')?.ageMs ?? 0;
    expect(ageMs).toBeGreaterThanOrEqual(500_000);
    expect(ageMs).toBeLessThan(560_000);
    await bundle.decide({ at: (await bundle.store.now()) + 500_000 });
    expect((await bundle.store.read(['fires'])).get('fires')?.ageMs).toBe(0);
  });

  it('takes the place of the last one only: who was slower writes nothing at all', async () => {
    await using bundle = openThrottleStore();
    const first = throttleStep(never);
    await bundle.store.step(new Map([['fires', first]]));
    const everything = async () => [
      await bundle.redis.hgetall(bundle.keys.throttle),
      await bundle.redis.hgetall(bundle.keys.throttleSlices),
      await bundle.redis.hgetall(bundle.keys.state),
    ];
    const before = await everything();
    const late = throttleStep(never, { decision: { lag: 9 }, state: { slices: slicesFrom([1, 2, 3]), level: 4 } });
    expect(await bundle.store.step(new Map([['fires', late]]))).toEqual(new Set());
    expect(await everything()).toEqual(before);
  });

  it('is written once when many sample at the same time', async () => {
    await using bundle = openThrottleStore();
    let from: SamplingState = never;
    for (let number = 1; number <= 10; number++) {
      const steps = Array.from({ length: 8 }, (_, level) => throttleStep(from, { state: { level } }));
      const written = await Promise.all(steps.map((step) => bundle.store.step(new Map([['fires', step]]))));
      const winners = steps.filter((_, at) => written[at]?.has('fires'));
      expect(winners).toHaveLength(1);
      from = { number, state: winners[0]!.state };
      expect((await bundle.store.load(['fires'])).get('fires')).toEqual(from);
    }
  });

  it('concerns one source: the others are written', async () => {
    await using bundle = openThrottleStore();
    await bundle.store.step(new Map([['a', throttleStep(never)]]));
    const steps = new Map(['a', 'b', 'c'].map((sourceId) => [sourceId, throttleStep(never)]));
    expect(await bundle.store.step(steps)).toEqual(new Set(['b', 'c']));
  });

  it('rejects with what Redis answered', async () => {
    await using bundle = openThrottleStore();
    await bundle.redis.set(bundle.keys.throttle, 'not a hash');
    await expect(bundle.store.step(new Map([['fires', throttleStep(never)]]))).rejects.toThrow('WRONGTYPE');
    await expect(bundle.store.load(['fires'])).rejects.toThrow('WRONGTYPE');
  });

  it('writes the slices that changed, and takes those away that are too old', async () => {
    await using bundle = openThrottleStore();
    let from: SamplingState = never;
    for (let n = 1; n <= 300; n++) {
      const slots = Array.from({ length: Math.min(n, 120) }, (_, at) => Math.max(0, n - 120) + at);
      const step = throttleStep(from, { state: { slices: slicesFrom(slots) } });
      await bundle.store.step(new Map([['fires', step]]));
      from = { number: n, state: step.state };
    }
    expect(await bundle.redis.hlen(bundle.keys.throttleSlices)).toBe(120);
    expect((await bundle.store.load(['fires'])).get('fires')).toEqual(from);
  });

  it('writes all slices again of which Redis has lost some', async () => {
    await using bundle = openThrottleStore();
    const first = throttleStep(never, { state: { slices: slicesFrom([1, 2, 3]) } });
    await bundle.store.step(new Map([['fires', first]]));
    await bundle.redis.del(bundle.keys.throttle, bundle.keys.throttleSlices);
    const from = { number: 0, state: first.state, written: [] };
    const second = throttleStep(from, { state: { slices: slicesFrom([2, 3, 4]) } });
    expect(await bundle.store.step(new Map([['fires', second]]))).toEqual(new Set(['fires']));
    expect((await bundle.store.load(['fires'])).get('fires')?.state?.slices).toEqual(slicesFrom([2, 3, 4]));
  });

  it('writes little for a source whose lag stays as it is', async () => {
    await using bundle = openThrottleStore();
    const first = throttleStep(never, { at: 1_000_000_000_000 });
    await bundle.store.step(new Map([['fires', first]]));
    const monitor = await bundle.redis.duplicate().monitor();
    const written: string[] = [];
    const isDone = Promise.withResolvers<void>();
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (args[0]?.toLowerCase() === 'hset') written.push(args.slice(2).join(' '));
      if (args[0] === 'echo') isDone.resolve();
    });
    const second = throttleStep({ number: 1, state: first.state }, { at: 1_000_000_001_000 });
    await bundle.store.step(new Map([['fires', second]]));
    await bundle.redis.echo('done');
    await isDone.promise;
    monitor.disconnect();
    expect(written).toEqual(['at 1000000001000 sample 2', 'lagAt 1000000001000']);
  });

  it('gives back the state of any history of steps, whoever wrote them and whatever they lost', async () => {
    await using bundle = openThrottleStore();
    const samplers = [0, 1, 2] as const;
    const act = fc.oneof(
      { weight: 1, arbitrary: fc.record({ who: fc.constantFrom(...samplers), does: fc.constant('load' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          who: fc.constantFrom(...samplers),
          does: fc.constant('step' as const),
          slots: fc.uniqueArray(fc.nat(30), { maxLength: 12 }),
          published: fc.nat(5),
          rate: fc.double({ min: 0.1, max: 1e7, noNaN: true }),
          sliceMs: fc.constantFrom(500, 1_000),
        }),
      },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 30 }), async (acts) => {
        const sourceId = `s${run++}`;
        const kept = new Map<number, SamplingState>(samplers.map((who) => [who, never]));
        let last: SamplingState = never;
        const found: SamplingState[] = [];
        const expected: SamplingState[] = [];
        for (const one of acts) {
          if (one.does === 'load') {
            const loaded = (await bundle.store.load([sourceId])).get(sourceId)!;
            found.push(loaded);
            expected.push(last);
            kept.set(one.who, loaded);
            continue;
          }
          const from = kept.get(one.who)!;
          const slices = one.slots
            .toSorted((a, b) => a - b)
            .map((slot) => ({
              slot,
              lagSum: slot / 7,
              samples: 1 + (slot % 3),
              published: one.published,
            }));
          const state: ThrottleState = throttleState({ slices, allowedRate: one.rate, sliceMs: one.sliceMs });
          const step = { ...throttleStep(from), state, decision: throttleDecision({ allowedRate: one.rate }) };
          const isWritten = (await bundle.store.step(new Map([[sourceId, step]]))).has(sourceId);
          expect(isWritten).toBe(from.number === last.number);
          if (!isWritten) continue;
          last = { number: from.number + 1, state };
          kept.set(one.who, last);
        }
        expect(found).toEqual(expected);
        expect((await bundle.store.load([sourceId])).get(sourceId)).toEqual(last);
        const decided = (await bundle.store.read([sourceId])).get(sourceId)?.decision.allowedRate;
        expect(decided).toBe(last.state?.allowedRate);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the throttle in a cluster', () => {
  it('keeps to the slot of its source with every call', async () => {
    await using server = await startOwnRedis('--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no');
    await using bundle = openThrottleStore(server.url);
    await bundle.redis.cluster('ADDSLOTS', await bundle.redis.cluster('KEYSLOT', bundle.keys.throttle));
    await waitUntil('the cluster to serve', async () =>
      (await bundle.redis.cluster('INFO')).includes('cluster_state:ok'),
    );
    await expect(bundle.redis.get('{other}:key')).rejects.toThrow('CLUSTERDOWN');
    await bundle.decide();
    await bundle.decide({ state: { slices: slicesFrom([10]) } });
    expect((await bundle.ask({ priority: 1 })).isGranted).toBe(true);
    expect((await bundle.ask()).isGranted).toBe(false);
    expect((await bundle.store.load(['fires'])).get('fires')).toMatchObject({ number: 2 });
    expect((await bundle.store.read(['fires'])).size).toBe(1);
    expect(await bundle.redis.keys('*')).toHaveLength(5);
  });
});
