import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protocolError } from '../../src/kafka/protocol-error.ts';
import { maySendAgain, passesByItself, retryDelayMs, withRetries } from '../../src/kafka/retry.ts';

const policy = { retries: 3, firstDelayMs: 200, maxDelayMs: 2_000, withinMs: 10_000 };
const quick = { ...policy, firstDelayMs: 0 };
const open = new AbortController().signal;

const failing = (times: number, code: number) => {
  const state = { calls: 0 };
  return {
    state,
    exchange: async (): Promise<string> => {
      state.calls++;
      if (state.calls <= times) throw protocolError(code, 'test');
      return 'done';
    },
  };
};

describe('what passes by itself', () => {
  it.each([
    { name: 'a leader that moved', error: protocolError(6, ''), expected: true },
    { name: 'a topic that is just being made', error: protocolError(3, ''), expected: true },
    { name: 'a coordinator that is loading', error: protocolError(14, ''), expected: true },
    { name: 'too few replicas', error: protocolError(19, ''), expected: true },
    { name: 'a record that is too large', error: protocolError(10, ''), expected: false },
    { name: 'a topic that is forbidden', error: protocolError(29, ''), expected: false },
    { name: 'a failed login', error: protocolError(58, ''), expected: false },
    { name: 'a cluster that is forbidden', error: protocolError(31, ''), expected: false },
    { name: 'a mistake of ours', error: new TypeError('x'), expected: false },
    { name: 'a refused connection', error: Object.assign(new Error(''), { code: 'ECONNREFUSED' }), expected: true },
  ])('$name: $expected', ({ error, expected }) => {
    expect(passesByItself(error)).toBe(expected);
  });
});

describe('sending a batch again at once', () => {
  it.each([
    { name: 'a leader that moved', code: 6, expected: true },
    { name: 'too few replicas, seen before the append', code: 19, expected: true },
    { name: 'too few replicas, seen after the append', code: 20, expected: false },
    { name: 'replicas that did not confirm in time', code: 7, expected: false },
    { name: 'a record that is too large', code: 10, expected: false },
  ])('after $name: $expected', ({ code, expected }) => {
    expect(maySendAgain(protocolError(code, ''))).toBe(expected);
  });
});

describe('the wait before a retry', () => {
  it('doubles up to its bound, within a fifth either way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const middle = Math.min(200 * 2 ** (attempt - 1), 2_000);
          const delay = retryDelayMs(policy, attempt, random);
          expect(delay).toBeGreaterThanOrEqual(middle * 0.8 - 1e-9);
          expect(delay).toBeLessThanOrEqual(middle * 1.2);
        },
      ),
    );
  });
});

describe('an exchange with retries', () => {
  it('gives the answer of the first try that goes well', async () => {
    const { exchange, state } = failing(2, 5);
    expect(await withRetries(quick, open, exchange)).toBe('done');
    expect(state.calls).toBe(3);
  });

  it('ends after its number of tries, with the last error', async () => {
    const { exchange, state } = failing(99, 5);
    await expect(withRetries(quick, open, exchange)).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' });
    expect(state.calls).toBe(4);
  });

  it('ends at once for what does not pass', async () => {
    const { exchange, state } = failing(99, 29);
    await expect(withRetries(quick, open, exchange)).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' });
    expect(state.calls).toBe(1);
  });

  it('begins no try when its time is over', async () => {
    const { exchange, state } = failing(99, 5);
    await expect(withRetries({ ...quick, withinMs: 0 }, open, exchange)).rejects.toMatchObject({ code: 5 });
    expect(state.calls).toBe(1);
  });

  it('begins no try after closing', async () => {
    const { exchange, state } = failing(99, 5);
    await expect(withRetries(policy, AbortSignal.abort(), exchange)).rejects.toMatchObject({ code: 5 });
    expect(state.calls).toBe(1);
  });
});
