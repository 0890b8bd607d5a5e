import { describe, expect, it } from 'vitest';
import { waitForLeave } from '../../src/http/permit.ts';

/** Asks for leave where the host's share comes after `shareMs` and the limit wants to be waited for `limitMs` the first time. */
const ask = async ({ shareMs, limitMs }: { readonly shareMs: number; readonly limitMs: number }) => {
  let now = 0;
  let asked = 0;
  const held: string[] = [];
  const leave = await waitForLeave(
    {
      acquire: async () => {
        asked += 1;
        if (asked > 1) return { granted: true, ticket: 'ticket' };
        return { granted: false, waitMs: limitMs, reason: 'used_up' };
      },
      settle: async () => {},
      close: async () => {},
    },
    {
      target: 'host',
      place: 'http://host/',
      limitPerMinute: 60,
      enter: async () => {
        now += shareMs;
        held.push('share');
        return () => void held.pop();
      },
      maxWaitMs: 250,
      now: () => now,
      signal: new AbortController().signal,
    },
  ).then(
    ({ ticket }) => ticket,
    (error: unknown) => String(error),
  );
  return { leave, held };
};

describe('leave to send a request', () => {
  it.each([
    { name: 'a short wait for the limit', shareMs: 0, limitMs: 1 },
    { name: 'a long wait for the share, which is none for the limit', shareMs: 900, limitMs: 1 },
  ])('comes after $name', async ({ shareMs, limitMs }) => {
    expect(await ask({ shareMs, limitMs })).toEqual({ leave: 'ticket', held: ['share'] });
  });

  it('does not come when the limit wants to be waited for longer; then nothing is held', async () => {
    const { leave, held } = await ask({ shareMs: 0, limitMs: 251 });
    expect(leave).toContain('the limit of 60 requests per minute is used up');
    expect(held).toEqual([]);
  });
});
