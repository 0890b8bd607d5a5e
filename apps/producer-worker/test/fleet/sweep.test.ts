import type { SweptSource } from '@stream-manager/shared/queues/records-queue';
import { describe, expect, it } from 'vitest';
import { createSweep } from '../../src/fleet/sweep.ts';
import { silent } from '../chunks.ts';

const clean: SweptSource = { added: 0, removed: 0, healed: 0, failed: [] };

const setup = (swept: Readonly<Record<string, () => SweptSource>>) => {
  const acts: string[] = [];
  const state = { now: 0 };
  const sweep = createSweep(
    {
      sweepSource: async (sourceId, heal) => {
        acts.push(`sweep ${sourceId}${heal ? ' and heal' : ''}`);
        return swept[sourceId]?.() ?? clean;
      },
      bury: async (sourceId, chunkId) => {
        acts.push(`bury ${sourceId} ${chunkId}`);
        return { kind: 'buried', letters: 1 };
      },
      ring: (sourceId) => void acts.push(`ring ${sourceId}`),
      logger: silent,
      now: () => state.now,
    },
    Object.keys(swept),
  );
  return { sweep: (signal = new AbortController().signal) => sweep(signal), acts, state };
};

describe('createSweep', () => {
  it('rings for jobs that were added, and buries chunks whose job failed', async () => {
    const { sweep, acts } = setup({ a: () => ({ ...clean, added: 2 }), b: () => ({ ...clean, failed: ['x', 'y'] }) });
    await sweep();
    expect(acts).toEqual(['sweep a and heal', 'ring a', 'sweep b and heal', 'bury b x', 'bury b y']);
  });

  it('looks for lost jobs once a minute', async () => {
    const { sweep, acts, state } = setup({ a: () => clean });
    for (const now of [0, 5_000, 59_999, 60_000, 65_000]) {
      state.now = now;
      await sweep();
    }
    expect(acts).toEqual(['sweep a and heal', 'sweep a', 'sweep a', 'sweep a and heal', 'sweep a']);
  });

  it('sweeps the others when one source fails, and names that one', async () => {
    const { sweep, acts } = setup({
      a: () => {
        throw new Error('OOM');
      },
      b: () => clean,
    });
    await expect(sweep()).rejects.toThrow('source a: OOM');
    expect(acts).toEqual(['sweep a and heal', 'sweep b and heal']);
  });

  it('ends between two sources when the process stops', async () => {
    const stopping = new AbortController();
    const { sweep, acts } = setup({
      a: () => {
        stopping.abort(new Error('stopped'));
        return clean;
      },
      b: () => clean,
    });
    await expect(sweep(stopping.signal)).rejects.toThrow('stopped');
    expect(acts).toEqual(['sweep a and heal']);
  });
});
