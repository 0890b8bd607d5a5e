// The sampler on a real Redis, with a Kafka in memory.
import { abandonedAfterMs } from '@stream-manager/shared/lag/abandoned-groups';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { createSourceStateStore } from '@stream-manager/shared/queues/source-state';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { openSamplerFleet, type SamplerFleet, type SamplerUnderTest, smallThresholds } from './sampler-bundle.ts';
import { leaseKey, samplerProcess } from './sampler-process.ts';

const decided = async ({ store }: SamplerFleet, sourceId = 'a') =>
  (await store.read([sourceId])).get(sourceId)?.decision;
const stands = async ({ store }: SamplerFleet, sourceId = 'a') => (await store.load([sourceId])).get(sourceId);
const numbers = ({ written }: SamplerUnderTest) => written.map(({ number }) => number);
const callsTo = ({ calls }: SamplerUnderTest, name: string) => calls.filter((call) => call.startsWith(name));

describe('the lag sampler', () => {
  it('writes what it read and what it decided, for every source', async () => {
    await using fleet = await openSamplerFleet({ a: ['fires'], b: ['alerts'], c: ['fires', 'alerts'] });
    await fleet.publish('fires', 25);
    await fleet.publish('alerts', 4);
    await fleet.kafka.commit('readers', 'fires', { 0: 5 });
    await fleet.sampler().sample();
    expect(await decided(fleet)).toMatchObject({ action: 'throttle_moderate', lag: 20, targetRecords: 10 });
    expect(await decided(fleet, 'b')).toMatchObject({ action: 'no_sample', lag: null });
    expect(await stands(fleet, 'b')).toMatchObject({ number: 1, state: { ends: { alerts: 4 } } });
    expect(await stands(fleet, 'c')).toMatchObject({ number: 1, state: { ends: { fires: 25, alerts: 4 } } });
    const shown = await createSourceStateStore(fleet.redis, fleet.keyPrefix).read(['a', 'b']);
    expect(shown.get('a')?.lag).toMatchObject({
      records: 20,
      group: 'readers',
      groups: [{ group: 'readers', topic: 'fires', records: 20, lostToRetention: 0 }],
    });
    expect(shown.get('b')?.lag).toMatchObject({ records: null, groups: [] });
  });

  it('goes on from what it wrote last, without reading it', async () => {
    await using fleet = await openSamplerFleet();
    const one = fleet.sampler();
    for (let n = 0; n < 20; n++) await one.sample();
    expect(numbers(one)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(callsTo(one, 'load')).toEqual(['load a']);
    expect(callsTo(one, 'recall')).toHaveLength(1);
    expect(callsTo(one, 'keep')).toHaveLength(1);
  });

  it('takes no step for a source whose lag cannot be read, and one for the others', async () => {
    await using fleet = await openSamplerFleet({ a: ['fires'], b: ['alerts'] });
    const one = fleet.sampler();
    await one.sample();
    one.failing.add('ends fires');
    for (let n = 0; n < 3; n++) await one.sample();
    one.failing.clear();
    await one.sample();
    expect(await stands(fleet, 'a')).toMatchObject({ number: 2 });
    expect(await stands(fleet, 'b')).toMatchObject({ number: 5 });
    expect(callsTo(one, 'load')).toEqual(['load a,b']);
  });

  it('goes on where another process stopped, with its level, its rate and its history', async () => {
    await using fleet = await openSamplerFleet();
    await fleet.publish('fires', 100);
    await fleet.kafka.commit('readers', 'fires', { 0: 0 });
    const [one, other] = [fleet.sampler(), fleet.sampler()];
    for (let n = 0; n < 2; n++) await one.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'throttle_critical', level: 2 });
    const before = await stands(fleet);
    await other.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'throttle_critical', level: 3 });
    const state = (await stands(fleet))?.state;
    expect(state?.since).toBe(before?.state?.since);
    expect(state?.slices.reduce((sum, { samples }) => sum + samples, 0)).toBe(3);
    expect([numbers(one), numbers(other)]).toEqual([[1, 2], [3]]);
    // It was told by the first.
    expect([one.lines, other.lines]).toEqual([['source is throttled hard'], []]);
  });

  it('tells that a source is throttled no more when it is at full rate again, not before', async () => {
    await using fleet = await openSamplerFleet();
    await fleet.publish('fires', 20);
    await fleet.kafka.commit('readers', 'fires', { 0: 0 });
    const one = fleet.sampler();
    await one.sample();
    await fleet.kafka.commit('readers', 'fires', { 0: 20 });
    for (let n = 0; n < 9; n++) await one.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'none' });
    expect(one.lines).toEqual(['source is throttled']);
    for (let n = 0; n < 3; n++) await one.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'none', allowedRate: smallThresholds.maxSendRate });
    expect(one.lines).toEqual(['source is throttled', 'source is not throttled any more']);
  });

  it('notices that another process has stepped: that step stands, and the next goes on from it', async () => {
    await using fleet = await openSamplerFleet();
    const [one, other] = [fleet.sampler(), fleet.sampler()];
    await one.sample();
    await other.sample();
    await one.sample();
    expect(numbers(one)).toEqual([1]);
    await one.sample();
    expect([numbers(one), numbers(other)]).toEqual([[1, 3], [2]]);
    expect(callsTo(one, 'load')).toHaveLength(2);
  });

  it('takes one step per number, whatever the order in which many processes sample', async () => {
    await using fleet = await openSamplerFleet({ a: ['fires'], b: ['alerts'] });
    const samplers = Array.from({ length: 6 }, () => fleet.sampler());
    for (let round = 0; round < 10; round++) await Promise.all(samplers.map(({ sample }) => sample()));
    for (const sourceId of ['a', 'b']) {
      const all = samplers.flatMap(({ written }) => written.filter((step) => step.sourceId === sourceId));
      const last = (await stands(fleet, sourceId))?.number ?? 0;
      expect(last).toBeGreaterThanOrEqual(10);
      expect(all.map(({ number }) => number).toSorted((x, y) => x - y)).toEqual(
        Array.from({ length: last }, (_, n) => n + 1),
      );
    }
  });

  it('leaves a sample out that another process has just taken, and does not ask Kafka for it', async () => {
    await using fleet = await openSamplerFleet();
    await fleet.sampler().sample();
    const other = fleet.sampler({ intervalMs: 600_000 });
    await other.sample();
    expect([numbers(other), callsTo(other, 'ends')]).toEqual([[], []]);
    const key = sourceKeys(fleet.keyPrefix, 'a').throttle;
    await fleet.redis.hset(key, 'at', Number(await fleet.redis.hget(key, 'at')) - 300_000);
    const third = fleet.sampler({ intervalMs: 600_000 });
    await third.sample();
    expect(numbers(third)).toEqual([2]);
  });

  it('reads again where the sampling stands when it does not know whether its step was written', async () => {
    await using fleet = await openSamplerFleet();
    const one = fleet.sampler();
    await one.sample();
    one.failing.add('step a');
    await expect(one.sample()).rejects.toThrow('no step a');
    one.failing.clear();
    await one.sample();
    expect(numbers(one)).toEqual([1, 2, 3]);
    expect(callsTo(one, 'load')).toHaveLength(2);
  });

  it.each([
    { name: 'everything', isRestored: false },
    { name: 'all since an older copy', isRestored: true },
  ])('goes on with its level, its rate and its history when Redis has lost $name', async ({ isRestored }) => {
    await using fleet = await openSamplerFleet();
    await fleet.publish('fires', 100);
    await fleet.kafka.commit('readers', 'fires', { 0: 0 });
    const one = fleet.sampler();
    const { throttle } = sourceKeys(fleet.keyPrefix, 'a');
    await one.sample();
    const copy = await fleet.redis.hgetall(throttle);
    for (let n = 0; n < 2; n++) await one.sample();
    const before = await stands(fleet);
    expect(await decided(fleet)).toMatchObject({ action: 'throttle_critical', level: 3 });
    await fleet.redis.unlink(await fleet.redis.keys(`${fleet.keyPrefix}:*`));
    if (isRestored) await fleet.redis.hset(throttle, copy);
    // The step that finds the loss is lost.
    for (let n = 0; n < 2; n++) await one.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'throttle_critical', level: 4 });
    const after = await stands(fleet);
    expect(after?.number).toBe(isRestored ? 2 : 1);
    expect(after?.state?.since).toBe(before?.state?.since);
    expect(after!.state!.allowedRate).toBeLessThan(before!.state!.allowedRate);
  });

  it('waits for no silent Kafka, and does not step any more, when the process stops while it reads', async () => {
    await using fleet = await openSamplerFleet();
    const admin = fleet.kafka.port.createAdmin();
    const one = fleet.sampler({ admin: { ...admin, listGroups: () => new Promise(() => {}) } });
    const stopping = new AbortController();
    const sampling = one.sample(stopping.signal);
    await waitUntil('the reading', () => one.calls.includes('groups'));
    stopping.abort(new Error('stopped'));
    await expect(sampling).rejects.toThrow('stopped');
    expect(await stands(fleet)).toEqual({ number: 0, state: null });
  });

  it('keeps for the fleet when commits moved, so that the day of an abandoned group goes on after a restart', async () => {
    await using fleet = await openSamplerFleet();
    await fleet.publish('fires', 100);
    await fleet.kafka.commit('left', 'fires', { 0: 1 });
    await fleet.kafka.commit('alive', 'fires', { 0: 99 });
    await fleet.sampler().sample();
    expect(await decided(fleet)).toMatchObject({ lag: 99 });
    const kept = await fleet.memory.load();
    expect(kept.map(({ group }) => group).toSorted()).toEqual(['alive', 'left']);
    await fleet.memory.save(kept.map((commit) => ({ ...commit, movedAt: commit.movedAt - abandonedAfterMs })));
    const next = fleet.sampler();
    await next.sample();
    expect(await decided(fleet)).toMatchObject({ action: 'none', lag: 1 });
    expect(next.lines).toEqual(['consumer lag is not wholly known']);
  });
});

describe('a fleet of samplers', () => {
  const intervalMs = 100;

  it('asks Kafka as often as one sampler does: every reading is a step', async () => {
    await using fleet = await openSamplerFleet();
    // A lease that lasts: on a busy machine a process may stand still for longer than an interval.
    const processes = Array.from({ length: 20 }, (_, n) =>
      samplerProcess(fleet, { name: `p${n}`, intervalMs, ttlMs: 60_000 }),
    );
    for (const { act } of processes) await act.start(new AbortController().signal);
    await waitUntil('ten samples', async () => ((await stands(fleet))?.number ?? 0) >= 10, { timeoutMs: 60_000 });
    await Promise.all(processes.map(({ act }) => act.stop()));
    const readings = processes.map(({ sampler }) => callsTo(sampler, 'ends').length).filter((count) => count > 0);
    expect(readings).toEqual([(await stands(fleet))?.number]);
  });

  it('replaces a sampler that dies, and another again, without losing or doubling a number', async () => {
    await using fleet = await openSamplerFleet();
    await fleet.publish('fires', 100);
    await fleet.kafka.commit('readers', 'fires', { 0: 85 });
    const processes = Array.from({ length: 5 }, (_, n) => samplerProcess(fleet, { name: `p${n}`, intervalMs }));
    for (const { act } of processes) await act.start(new AbortController().signal);
    const killed: string[] = [];
    for (const samples of [5, 12, 20]) {
      await waitUntil('samples', async () => ((await stands(fleet))?.number ?? 0) >= samples, { timeoutMs: 60_000 });
      const holder = await waitUntil('a holder that lives', async () => {
        const name = await fleet.redis.get(leaseKey(fleet));
        return processes.find((one) => one.name === name && !killed.includes(one.name));
      });
      holder.kill();
      killed.push(holder.name);
    }
    const last = (await stands(fleet))?.number ?? 0;
    await waitUntil('samples of those that are left', async () => ((await stands(fleet))?.number ?? 0) > last + 3, {
      timeoutMs: 60_000,
    });
    await Promise.all(processes.map(({ act }) => act.stop()));
    const all = processes.flatMap(({ sampler }) => numbers(sampler)).toSorted((x, y) => x - y);
    expect(all).toEqual(Array.from({ length: (await stands(fleet))?.number ?? 0 }, (_, n) => n + 1));
    // The rate went down with every sample, whoever took it.
    const { allowedRate } = (await stands(fleet))?.state ?? { allowedRate: 0 };
    expect(allowedRate).toBe(10);
  });
});
