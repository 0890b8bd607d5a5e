import { describe, expect, it } from 'vitest';
import type { ChunkEnding } from '../../src/delivery/deliver-chunk.ts';
import { createInOrderDelivery } from '../../src/delivery/deliver-in-order.ts';

const setup = (endings: readonly ChunkEnding[], rest: 'over' | 'given_back' = 'over') => {
  const acts: string[] = [];
  const left = [...endings];
  const deliver = createInOrderDelivery(
    {
      deliver: async () => {
        acts.push('deliver');
        return left.shift() ?? { kind: 'complete' };
      },
      rest: async (delayMs) => {
        acts.push(`rest ${delayMs}`);
        return rest;
      },
      backoff: (attempts) => attempts * 1_000,
    },
    { maxAttempts: 3 },
  );
  const run = () => deliver({ chunkId: 'c', token: 't', rank: 3, lockedAt: 0, attempts: { made: 0, max: 3 } });
  return { run, acts };
};

describe('createInOrderDelivery', () => {
  it('repeats a chunk in place until it is done', async () => {
    const { run, acts } = setup([
      { kind: 'retry', reason: 'not now' },
      { kind: 'delay', delayMs: 2_000, reason: 'no such topic' },
      { kind: 'retry', reason: 'not now' },
    ]);
    expect(await run()).toEqual({ kind: 'complete' });
    expect(acts).toEqual(['deliver', 'rest 1000', 'deliver', 'rest 2000', 'deliver', 'rest 2000', 'deliver']);
  });

  it('gives the chunk back when something more urgent has come while it rests', async () => {
    const { run, acts } = setup([{ kind: 'retry', reason: 'not now' }], 'given_back');
    expect(await run()).toEqual({ kind: 'give_back' });
    expect(acts).toEqual(['deliver', 'rest 1000']);
  });

  it('fails a chunk that fails without being counted, after all attempts', async () => {
    const again: ChunkEnding = { kind: 'retry', reason: 'broken' };
    const { run } = setup([again, again, again, again]);
    expect(await run()).toEqual({ kind: 'fail', reason: 'broken' });
  });

  it.each([{ kind: 'let_go' }, { kind: 'give_back' }, { kind: 'fail', reason: 'damaged' }] as const)(
    'passes on $kind',
    async (ending) => {
      const { run } = setup([ending]);
      expect(await run()).toEqual(ending);
    },
  );
});
