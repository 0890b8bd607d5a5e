import { describe, expect, it } from 'vitest';
import { createRests } from '../../src/queues/rests.ts';

const setup = () => {
  const timers = new Set<() => void>();
  const rests = createRests((_delayMs, act) => {
    timers.add(act);
    return () => timers.delete(act);
  });
  return { rests, timers };
};

describe('createRests', () => {
  it('is over when its time has passed', async () => {
    const { rests, timers } = setup();
    const resting = rests.rest(1_000, 3);
    expect(rests.leastUrgent()).toBe(3);
    for (const act of timers) act();
    expect(await resting).toBe('over');
    expect(rests.leastUrgent()).toBeNull();
  });

  it('can be ended before, and leaves no timer', async () => {
    const { rests, timers } = setup();
    const both = [rests.rest(1_000, 3), rests.rest(1_000, 2)];
    expect(rests.leastUrgent()).toBe(3);
    rests.end();
    expect(await Promise.all(both)).toEqual(['given_back', 'given_back']);
    expect(timers.size).toBe(0);
  });
});
