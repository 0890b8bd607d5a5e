import { expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createHealth } from '../../src/ops/health.ts';
import { createRedisMemory, highFrom } from '../../src/queues/redis-memory.ts';

const setup = (highWater = 0.75) => {
  const state = { nowMs: 0, used: 10, max: 100, system: 1000, asked: 0, isAway: false };
  const timers = new Set<() => void>();
  const logged: string[] = [];
  const log = (_fields: unknown, message: unknown): void => void logged.push(String(message));
  const health = createHealth();
  const metrics = createMetrics();
  const redis = {
    info: async () => {
      state.asked += 1;
      if (state.isAway) throw new Error('away');
      return `used_memory:${state.used}\r\nmaxmemory:${state.max}\r\ntotal_system_memory:${state.system}\r\n`;
    },
  };
  const memory = createRedisMemory(
    {
      redis,
      health,
      metrics,
      logger: { warn: log as never, info: log as never, debug: () => {} },
      now: () => state.nowMs,
      after: (_delayMs, act) => {
        timers.add(act);
        return () => void timers.delete(act);
      },
    },
    { highWater },
  );
  const ratio = async () => (await metrics.redisMemoryUsedRatio.get()).values[0]?.value;
  return { memory, state, timers, logged, health, metrics, ratio };
};

it('asks Redis at most once a second, however many ask', async () => {
  const { memory, state } = setup();
  await Promise.all(Array.from({ length: 50 }, () => memory.high()));
  state.nowMs = 999;
  await memory.high();
  expect(state.asked).toBe(1);
  state.nowMs = 1000;
  await Promise.all([memory.high(), memory.high()]);
  expect(state.asked).toBe(2);
});

it('says why nothing is admitted, once in the log and in /readyz without being a problem, until it is over', async () => {
  const { memory, state, logged, health, ratio, timers } = setup();
  health.setPhase('ready');
  expect(await memory.high()).toBeNull();
  expect([timers.size, await ratio()]).toEqual([0, 0.1]);
  for (const used of [76, 80, 74]) {
    state.nowMs += 1000;
    state.used = used;
    expect(await memory.high()).toMatch(/^Redis uses \d\d % of its memory, and above 75 % \(redis\.highWater\)/);
    expect(timers.size).toBe(1);
  }
  expect(health.report()).toMatchObject({ ready: true, notes: { redis: expect.stringContaining('74 %') } });
  state.used = 73;
  state.nowMs += 1000;
  // Nobody asks any more: it looks by itself.
  for (const act of timers) act();
  await expect.poll(() => health.report().notes).toEqual({});
  expect(timers.size).toBe(0);
  expect(logged).toEqual(['Redis is nearly full: nothing is admitted', 'Redis has memory again: admission goes on']);
  expect(await ratio()).toBe(0.73);
});

it.each([
  { name: 'the memory of the machine, without maxmemory', used: 800, max: 0, system: 1000, isHigh: true },
  { name: 'no limit that is told', used: 800, max: 0, system: Number.NaN, isHigh: false },
])('is held against $name', async ({ used, max, system, isHigh }) => {
  const { memory, state } = setup();
  Object.assign(state, { used, max, system });
  expect((await memory.high()) !== null).toBe(isHigh);
});

it('counts what this process has stored since Redis was asked, without a word in log or /readyz', async () => {
  const { memory, state, logged, health } = setup();
  expect(await memory.high()).toBeNull();
  memory.took(60);
  expect(await memory.high()).toBeNull();
  memory.took(10);
  expect(await memory.high()).toMatch(/^Redis uses 80 %/);
  expect([state.asked, logged, health.report().notes]).toEqual([1, [], {}]);
  // It was drained meanwhile: Redis knows better.
  state.nowMs += 1000;
  state.used = 70;
  expect(await memory.high()).toBeNull();
});

it('keeps what it knew last while Redis is away, and never rejects', async () => {
  const { memory, state } = setup();
  state.used = 90;
  const why = await memory.high();
  state.isAway = true;
  state.nowMs += 5000;
  expect(await memory.high()).toBe(why);
  expect(why).not.toBeNull();
});

it('looks no more by itself once it is stopped', async () => {
  const { memory, state, timers } = setup();
  state.used = 90;
  await memory.high();
  memory.stop();
  memory.stop();
  state.nowMs += 1000;
  await memory.high();
  expect(timers.size).toBe(0);
});

it('is read for a scrape', async () => {
  const { metrics, ratio } = setup();
  expect(await ratio()).toBeUndefined();
  for (const read of metrics.beforeScrape) await read();
  expect(await ratio()).toBe(0.1);
});

it('ends a little below where it begins', () => {
  expect(highFrom(0.75, false)).toBe(0.75);
  expect(highFrom(0.75, true)).toBeCloseTo(0.73);
});
