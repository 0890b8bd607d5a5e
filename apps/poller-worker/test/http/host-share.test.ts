import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHostShares, type HostPlace } from '../../src/http/host-share.ts';
import { halfOfSlots } from '../../src/slots.ts';

/** One request of a poll, and what became of it. */
interface Request {
  readonly host: string;
  /** `waits`, `in`, `left`, or the code it was refused with. */
  state: string;
  leave(): void;
}

/** The shares of a process whose time stands still until a test lets it pass. */
const open = (concurrency: number) => {
  const timers = new Set<() => void>();
  const delays: number[] = [];
  const after = (delayMs: number, act: () => void): (() => void) => {
    delays.push(delayMs);
    timers.add(act);
    return () => void timers.delete(act);
  };
  const shares = createHostShares({ after }, { concurrency });
  const enter = (place: HostPlace, host: string): Request => {
    const request: Request = { host, state: 'waits', leave: () => {} };
    place.enter(host).then(
      (leave) => {
        request.state = 'in';
        request.leave = () => {
          request.state = 'left';
          leave();
        };
      },
      (error: unknown) => void (request.state = codeOf(error) ?? 'no error of ours'),
    );
    return request;
  };
  const poll = (isUrgent = false) => {
    const stop = new AbortController();
    const place = shares.forPoll({ isUrgent, signal: stop.signal });
    return { stop: () => stop.abort(), enter: (host = 'a') => enter(place, host) };
  };
  return {
    poll,
    delays,
    timers,
    /** So many polls with one request each. */
    polls: async (count: number, isUrgent = false) => {
      const requests = Array.from({ length: count }, () => poll(isUrgent).enter());
      await nextTurn();
      return requests;
    },
    passTime: async () => {
      for (const act of timers) act();
      await nextTurn();
    },
  };
};

const statesOf = (requests: readonly Request[]) => requests.map(({ state }) => state);

describe('the share of one host', () => {
  it.each([
    { concurrency: 1, share: 1, wait: 0 },
    { concurrency: 2, share: 1, wait: 0 },
    { concurrency: 3, share: 1, wait: 0 },
    { concurrency: 4, share: 2, wait: 1 },
    { concurrency: 9, share: 4, wait: 2 },
    { concurrency: 32, share: 16, wait: 8 },
  ])('is $share of $concurrency slots, and $wait more may wait for it', async ({ concurrency, share, wait }) => {
    const test = open(concurrency);
    const requests = await test.polls(concurrency);
    const states = statesOf(requests);
    expect(halfOfSlots(concurrency)).toBe(share);
    expect(states.slice(0, share + wait)).toEqual([...Array(share).fill('in'), ...Array(wait).fill('waits')]);
    expect(new Set(states.slice(share + wait))).toEqual(new Set(concurrency > 1 ? ['host_busy'] : []));
    // Another host is not concerned.
    const other = test.poll().enter('b');
    await nextTurn();
    expect(other.state).toBe('in');
  });

  it('goes to those who wait in the order of their arrival, critical sources first', async () => {
    const test = open(16);
    const requests = await test.polls(8);
    const [first, second, third] = await test.polls(3);
    const [urgent, urgentToo] = await test.polls(2, true);
    // The last one of those that are not urgent has made room.
    expect(third!.state).toBe('host_busy');
    for (const [at, expected] of [urgent, urgentToo, first, second].entries()) {
      requests[at]!.leave();
      await nextTurn();
      expect(expected!.state).toBe('in');
    }
    expect(statesOf(await test.polls(1))).toEqual(['waits']);
  });

  it.each([
    { name: 'a quarter of a second', isUrgent: false, waitMs: 250 },
    { name: 'by a critical source a second', isUrgent: true, waitMs: 1000 },
  ])('is waited for $name at most', async ({ isUrgent, waitMs }) => {
    const test = open(4);
    const requests = await test.polls(3, isUrgent);
    expect(statesOf(requests)).toEqual(['in', 'in', 'waits']);
    await test.passTime();
    expect(statesOf(requests)).toEqual(['in', 'in', 'host_busy']);
    expect(test.delays).toEqual([waitMs]);
  });

  it('counts a poll once however many requests it has on their way, until the last of them is over', async () => {
    const test = open(4);
    const poll = test.poll();
    const requests = Array.from({ length: 4 }, () => poll.enter());
    const other = test.poll().enter();
    await nextTurn();
    expect(statesOf([...requests, other])).toEqual(Array(5).fill('in'));
    const next = test.poll().enter();
    for (const request of requests.slice(1)) request.leave();
    // Twice is once.
    requests[1]!.leave();
    await nextTurn();
    expect(next.state).toBe('waits');
    requests[0]!.leave();
    await nextTurn();
    expect(next.state).toBe('in');
    // It has given its place back, and stands behind the others now.
    const again = poll.enter();
    await nextTurn();
    expect(again.state).toBe('waits');
  });

  it('is refused to all requests of a poll together', async () => {
    const test = open(4);
    await test.polls(2);
    const poll = test.poll();
    const requests = [poll.enter(), poll.enter()];
    await test.passTime();
    expect(statesOf(requests)).toEqual(['host_busy', 'host_busy']);
  });

  it('is not given to a poll that was stopped', async () => {
    const test = open(4);
    const requests = await test.polls(2);
    const poll = test.poll();
    const waiting = poll.enter();
    const next = test.poll();
    poll.stop();
    await nextTurn();
    expect(waiting.state).toBe('stopped');
    expect(statesOf([poll.enter()])).toEqual(['waits']);
    const last = next.enter();
    requests[0]!.leave();
    await nextTurn();
    expect(last.state).toBe('in');
    expect(test.timers.size).toBe(0);
  });

  it('is never passed, is left by nobody twice, and is waited for only while it is in use, whatever happens', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ act: fc.constant('enter' as const), which: fc.nat(), host: fc.constantFrom('a', 'b') }),
      },
      { weight: 3, arbitrary: fc.record({ act: fc.constant('leave' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ act: fc.constant('stop' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ act: fc.constant('time' as const) }) },
    );
    const someSteps = fc.array(step, { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), someSteps, async (concurrency, steps) => {
        const test = open(concurrency);
        const polls = Array.from({ length: concurrency }, (_, at) => ({
          ...test.poll(at % 3 === 0),
          requests: [] as Request[],
        }));
        const pollsWith = (state: string, host: string): number =>
          polls.filter(({ requests }) => requests.some((one) => one.state === state && one.host === host)).length;
        for (const one of steps) {
          if (one.act === 'time') await test.passTime();
          else {
            const poll = polls[one.which % polls.length]!;
            if (one.act === 'enter') poll.requests.push(poll.enter(one.host));
            if (one.act === 'stop') poll.stop();
            if (one.act === 'leave') poll.requests[one.which % Math.max(1, poll.requests.length)]?.leave();
          }
          await nextTurn();
          for (const host of ['a', 'b']) {
            const isFull = pollsWith('in', host) === halfOfSlots(concurrency);
            expect(pollsWith('in', host)).toBeLessThanOrEqual(halfOfSlots(concurrency));
            expect(pollsWith('waits', host) === 0 || isFull).toBe(true);
          }
          expect(pollsWith('waits', 'a') + pollsWith('waits', 'b')).toBeLessThanOrEqual(Math.floor(concurrency / 4));
        }
        await test.passTime();
        for (const { requests } of polls) for (const request of requests) request.leave();
        await nextTurn();
        expect(statesOf(await test.polls(halfOfSlots(concurrency)))).toEqual(
          Array(halfOfSlots(concurrency)).fill('in'),
        );
      }),
      { numRuns: 60 },
    );
  });
});
