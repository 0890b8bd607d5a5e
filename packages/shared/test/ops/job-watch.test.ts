import { expect, it } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { createHealth } from '../../src/ops/health.ts';
import { abandonedShownMs, createJobWatch } from '../../src/ops/job-watch.ts';

/** A clock that only moves when told to, with the timers that hang on it. */
const setup = (limitMs = 1000) => {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly act: () => void }>();
  const health = createHealth();
  health.setPhase('ready');
  const watch = createJobWatch(
    {
      health,
      logger: createLogger({ role: 'test', instance: 'test', level: 'silent', secrets: [] }),
      now: () => nowMs,
      after: (delayMs, act) => {
        const timer = { dueMs: nowMs + delayMs, act };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    { limitMs },
  );
  /** Moves on timer by timer; `isFrozen`: at once, as for a process that was stopped meanwhile. */
  const pass = (ms: number, isFrozen = false): void => {
    const untilMs = nowMs + ms;
    if (isFrozen) nowMs = untilMs;
    const due = () => [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
    for (let next = due(); next !== undefined; next = due()) {
      timers.delete(next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.act();
      if (isFrozen && [...timers].every(({ dueMs }) => dueMs > untilMs)) break;
    }
    nowMs = untilMs;
  };
  return { watch, health, pass, timers };
};

it('gives what the act gives, and leaves no timer behind', async () => {
  const { watch, timers } = setup();
  await expect(watch.run('poll a', async () => 7)).resolves.toBe(7);
  await expect(watch.run('poll a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const throwing = watch.run('poll a', () => {
    throw new Error('at once');
  });
  await expect(throwing).rejects.toThrow('at once');
  expect(timers.size).toBe(0);
});

it('gives up a job without progress, names it in /readyz, and forgets it when it has settled', async () => {
  const { watch, health, pass } = setup();
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = watch.run('poll fires', () => promise);
  pass(999);
  expect(health.report().ready).toBe(true);
  pass(1);
  await expect(run).rejects.toMatchObject({ code: 'hung', message: 'poll fires: no progress for 1 s' });
  expect(health.report()).toMatchObject({ ready: false, problems: { hung: 'no progress, given up: poll fires' } });
  resolve();
  await expect.poll(() => health.report().ready).toBe(true);
});

it('gives a job that shows progress all the time it wants', async () => {
  const { watch, health, pass } = setup();
  const { promise, resolve } = Promise.withResolvers<string>();
  let progress = (): void => {};
  const run = watch.run('poll fires', (tell) => {
    progress = tell;
    return promise;
  });
  for (let step = 0; step < 10; step += 1) {
    pass(900);
    progress();
  }
  expect(health.report().ready).toBe(true);
  resolve('done');
  await expect(run).resolves.toBe('done');
});

it('forgets a job that never settles after five minutes', async () => {
  const { watch, health, pass } = setup();
  const run = watch.run('poll fires', () => new Promise(() => {}));
  pass(1000);
  await expect(run).rejects.toMatchObject({ code: 'hung' });
  pass(abandonedShownMs - 1);
  expect(health.report().ready).toBe(false);
  pass(1);
  expect(health.report().ready).toBe(true);
});

it('does not take a process that was frozen for jobs that hang', async () => {
  const { watch, health, pass } = setup();
  const { promise, resolve } = Promise.withResolvers<string>();
  const run = watch.run('poll fires', () => promise);
  pass(3_600_000, true);
  expect(health.report().ready).toBe(true);
  resolve('done');
  await expect(run).resolves.toBe('done');
});

it('takes a limit of its own for a job', async () => {
  const { watch, pass } = setup(10);
  const run = watch.run('poll slow', () => new Promise(() => {}), { limitMs: 5000 });
  pass(5000);
  await expect(run).rejects.toThrow('no progress for 5 s');
});

it('reports under a component of its own, so that two watches of one process do not clear each other', async () => {
  const health = createHealth();
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const due: (() => void)[] = [];
  let nowMs = 0;
  const after = (_delayMs: number, act: () => void): (() => void) => {
    due.push(act);
    return () => {};
  };
  const deps = { health, logger, now: () => nowMs, after };
  const polls = createJobWatch(deps, { limitMs: 100, component: 'hung-polls' });
  const chunks = createJobWatch(deps, { limitMs: 100 });
  const stuck = Promise.withResolvers<void>();
  const runs = [polls.run('a', () => new Promise(() => {})), chunks.run('b', () => stuck.promise)];
  // Four looks of 25 ms each; what `after` was asked for last is the end of being shown.
  for (let look = 0; look < 4; look += 1) {
    nowMs += 25;
    for (const act of due.splice(0)) act();
  }
  await Promise.allSettled(runs);
  expect(Object.keys(health.report().problems)).toEqual(['hung-polls', 'hung']);
  stuck.resolve();
  await expect.poll(() => Object.keys(health.report().problems)).toEqual(['hung-polls']);
});

it('names five jobs, and counts the others', async () => {
  const { watch, health, pass } = setup();
  const runs = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => watch.run(name, () => new Promise(() => {})));
  pass(1000);
  for (const end of await Promise.allSettled(runs)) expect(end).toMatchObject({ reason: { code: 'hung' } });
  expect(health.report().problems.hung).toBe('no progress, given up: a, b, c, d, e and 2 more');
});
