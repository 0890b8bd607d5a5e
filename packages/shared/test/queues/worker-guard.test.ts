import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createWorkerGuard } from '../../src/queues/worker-guard.ts';

const setup = () => {
  const lines: string[] = [];
  const acts: string[] = [];
  const state = { now: 0, isPaused: false };
  const timers: (() => void)[] = [];
  const guard = createWorkerGuard(
    {
      logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
      now: () => state.now,
      after: (delayMs, act) => {
        acts.push(`resume in ${delayMs}`);
        timers.push(act);
        return () => void acts.push('no resume');
      },
    },
    { queue: 'records.a' },
  );
  guard.watch({
    pause: async (doNotWaitActive) => {
      state.isPaused = true;
      acts.push(`pause ${doNotWaitActive}`);
    },
    resume: () => {
      state.isPaused = false;
      acts.push('resume');
    },
    isPaused: () => state.isPaused,
  });
  const fail = (message: string, times: number): void => {
    for (let count = 0; count < times; count += 1) guard.onError(new Error(message));
  };
  return { guard, fail, acts, lines, state, timers };
};

describe('createWorkerGuard', () => {
  it('rests a worker whose fetch is refused again and again', () => {
    const { fail, acts, timers, lines } = setup();
    fail('OOM command not allowed', 4);
    expect(acts).toEqual([]);
    fail('OOM command not allowed', 1);
    expect(acts).toEqual(['pause true', 'resume in 1000']);
    timers[0]?.();
    expect(acts.at(-1)).toBe('resume');
    expect(lines).toHaveLength(1);
  });

  it('leaves a worker alone that reports an error now and then', () => {
    const { fail, acts, state } = setup();
    for (let count = 0; count < 20; count += 1) {
      fail('NOAUTH', 1);
      state.now += 300;
    }
    expect(acts).toEqual([]);
  });

  it('takes the loss of single jobs for what it is', () => {
    const { fail, acts, lines } = setup();
    for (let job = 0; job < 20; job += 1) fail(`could not renew lock for job c${job}abc`, 1);
    expect(acts).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  it('says the same thing again after a while', () => {
    const { fail, lines, state } = setup();
    fail('NOAUTH', 3);
    state.now += 30_000;
    fail('NOAUTH', 1);
    expect(lines).toHaveLength(2);
  });

  it('does not wake a worker that is about to close', () => {
    const { guard, fail, acts } = setup();
    fail('OOM', 5);
    guard.stop();
    fail('OOM', 10);
    expect(acts).toEqual(['pause true', 'resume in 1000', 'no resume']);
  });
});
