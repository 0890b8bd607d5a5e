import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHostShares, hostOf, hostSlots, hostWaitMs } from '../src/host-share.ts';

describe('the share of one host', () => {
  it.each([
    { concurrency: 1, slots: 1 },
    { concurrency: 2, slots: 1 },
    { concurrency: 3, slots: 1 },
    { concurrency: 32, slots: 16 },
  ])('is $slots of $concurrency slots', ({ concurrency, slots }) => {
    expect(hostSlots(concurrency)).toBe(slots);
    expect(createHostShares(concurrency).slots).toBe(slots);
  });

  it('is never passed, and never smaller than it is, whatever is taken and given back, and how often', () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('take' as const), host: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ act: fc.constant('giveBack' as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (concurrency, steps) => {
        const shares = createHostShares(concurrency);
        const holds: { host: string; giveBack: () => void; isHeld: boolean }[] = [];
        const running = (host: string): number => holds.filter((hold) => hold.isHeld && hold.host === host).length;
        const mistakes: unknown[] = [];
        for (const one of steps) {
          if (one.act === 'take') {
            const wasFull = running(one.host) === shares.slots;
            const giveBack = shares.take(one.host);
            if ((giveBack === null) !== wasFull) mistakes.push(one);
            if (giveBack !== null) holds.push({ host: one.host, giveBack, isHeld: true });
            continue;
          }
          // Also one that was given back before: the end of a poll and its abort may both do it.
          const hold = holds[one.which % Math.max(1, holds.length)];
          hold?.giveBack();
          if (hold !== undefined) hold.isHeld = false;
        }
        expect(mistakes).toEqual([]);
      }),
    );
  });

  it('is that of scheme, host and port together', () => {
    expect(hostOf({ baseUrl: 'https://API.example' })).toBe('https://api.example');
    expect(hostOf({ baseUrl: 'https://api.example:443' })).toBe(hostOf({ baseUrl: 'https://api.example' }));
    const others = ['http://api.example', 'https://api.example:444', 'https://www.example'];
    for (const baseUrl of others) expect(hostOf({ baseUrl })).not.toBe('https://api.example');
    expect(hostOf({})).toBeNull();
  });
});

describe('a poll whose host has its share in use', () => {
  it.each([
    { name: 'about a second at first', waitedMs: 0, from: 750, to: 1250 },
    { name: 'longer when it has waited', waitedMs: 8_000, from: 1500, to: 2500 },
    { name: 'a few seconds at most', waitedMs: 3_600_000, from: 3000, to: 5000 },
  ])('waits $name', ({ waitedMs, from, to }) => {
    expect(hostWaitMs(waitedMs, 0)).toBe(from);
    expect(hostWaitMs(waitedMs, 1)).toBe(to);
  });
});
