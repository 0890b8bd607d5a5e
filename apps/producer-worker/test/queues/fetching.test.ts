import { describe, expect, it } from 'vitest';
import { createFetching } from '../../src/queues/fetching.ts';
import { silent } from '../chunks.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const setup = () => {
  const acts: string[] = [];
  let isPaused = false;
  const worker = {
    pause: async () => {
      acts.push('pause');
      await settle();
      isPaused = true;
    },
    resume: async () => {
      acts.push('resume');
      await settle();
      isPaused = false;
    },
    isPaused: () => isPaused,
  };
  const fetching = createFetching(worker, {
    startCheck: () => {
      acts.push('check');
      return async () => void acts.push('end check');
    },
    logger: silent,
  });
  return { fetching, acts };
};

describe('createFetching', () => {
  it('lets a check stand in while the worker takes nothing', async () => {
    const { fetching, acts } = setup();
    fetching.set(false);
    fetching.set(false);
    await settle();
    await settle();
    fetching.set(true);
    await fetching.close();
    expect(acts).toEqual(['check', 'pause', 'end check']);
  });

  it('comes to the last state that was asked for, whatever is still being switched', async () => {
    const { fetching, acts } = setup();
    for (const isFetching of [false, true, false, true]) fetching.set(isFetching);
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(fetching.guarded.isPaused()).toBe(false);
    expect(acts.filter((act) => act === 'check')).toHaveLength(acts.filter((act) => act === 'end check').length);
  });

  it('does not let the guard resume what the gate has shut', async () => {
    const { fetching, acts } = setup();
    fetching.set(false);
    await settle();
    await settle();
    await fetching.guarded.resume();
    expect(acts).toEqual(['check', 'pause']);
    fetching.set(true);
    await settle();
    await settle();
    await settle();
    expect(acts).toEqual(['check', 'pause', 'resume', 'end check']);
    await fetching.guarded.pause(true);
    await fetching.guarded.resume();
    expect(acts.slice(4)).toEqual(['pause', 'resume']);
    await fetching.close();
  });
});
