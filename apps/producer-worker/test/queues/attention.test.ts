import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { type AttentionOptions, createAttention } from '../../src/queues/attention.ts';
import type { SourceWork } from '../../src/queues/read-work.ts';
import { silent } from '../chunks.ts';

const idle: SourceWork = { hasRecords: false, hasCritical: false, hasLetters: false, isPaused: false };
const neverAgain = 3_600_000;

const setup = (sourceIds: readonly string[], options: Partial<AttentionOptions> = {}) => {
  const work = new Map<string, SourceWork>(sourceIds.map((id) => [id, idle]));
  const acts: string[] = [];
  const state = { now: 1_000, rounds: 0, fails: 0, finishClosing: [] as (() => void)[], closesAtOnce: true };
  let ring: (sourceId: string) => void = () => {};
  const attention = createAttention(
    {
      readWork: async (ids) => {
        state.rounds += 1;
        if (state.fails > 0) {
          state.fails -= 1;
          throw new Error('LOADING');
        }
        return new Map(ids.map((id) => [id, work.get(id) ?? idle]));
      },
      open: (kind, sourceId) => {
        acts.push(`open ${kind} ${sourceId}`);
        return {
          close: async () => {
            acts.push(`close ${kind} ${sourceId}`);
            if (!state.closesAtOnce) await new Promise<void>((resolve) => state.finishClosing.push(resolve));
          },
        };
      },
      listen: async (onRing) => {
        ring = onRing;
        return async () => void acts.push('deaf');
      },
      logger: silent,
      now: () => state.now,
    },
    { sourceIds, intervalMs: 5, maxOpen: 10, idleMs: 10_000, turnMs: 10_000, ...options },
  );
  const start = (): Promise<void> => attention.start(new AbortController().signal);
  const round = async (): Promise<void> => {
    const before = state.rounds;
    await waitUntil('two more rounds', () => state.rounds >= before + 2);
  };
  return { attention, start, work, acts, state, round, ring: (id: string) => ring(id) };
};

describe('createAttention', () => {
  it('opens the queues of a source that have work, and closes them when they were idle for long', async () => {
    const { attention, start, work, acts, state, round } = setup(['a', 'b']);
    work.set('a', { ...idle, hasRecords: true });
    work.set('b', { ...idle, hasLetters: true });
    await start();
    await round();
    expect(acts).toEqual(['open records a', 'open dead-letter b']);
    work.set('a', idle);
    await round();
    state.now += 9_000;
    await round();
    expect(acts).toHaveLength(2);
    state.now += 1_500;
    await round();
    expect(acts.slice(2)).toEqual(['close records a']);
    await attention.stop();
    expect(acts.slice(3)).toEqual(['deaf', 'close dead-letter b']);
  });

  it('opens a queue at once when its source rings', async () => {
    const { attention, start, work, acts, ring } = setup(['a', 'b'], { intervalMs: neverAgain });
    await start();
    work.set('b', { ...idle, hasRecords: true });
    ring('b');
    ring('somebody-elses');
    await waitUntil('the queue to open', () => acts.length > 0);
    expect(acts).toEqual(['open records b']);
    await attention.stop();
  });

  it('does not open a queue again before it is closed', async () => {
    const { attention, start, work, acts, state, round } = setup(['a']);
    state.closesAtOnce = false;
    work.set('a', { ...idle, hasRecords: true });
    await start();
    await round();
    work.set('a', { ...idle, hasRecords: true, isPaused: true });
    await round();
    work.set('a', { ...idle, hasRecords: true });
    await round();
    expect(acts).toEqual(['open records a', 'close records a']);
    state.finishClosing[0]?.();
    await round();
    expect(acts.slice(2)).toEqual(['open records a']);
    state.closesAtOnce = true;
    await attention.stop();
  });

  it('goes on after a round that Redis did not answer', async () => {
    const { attention, start, work, acts, state, round } = setup(['a']);
    state.fails = 3;
    work.set('a', { ...idle, hasRecords: true });
    await start();
    await waitUntil('the queue to open', () => acts.length > 0);
    await round();
    expect(acts).toEqual(['open records a']);
    await attention.stop();
  });

  it('may be stopped before it starts, and twice', async () => {
    const { attention, acts } = setup(['a']);
    await attention.stop();
    await attention.stop();
    expect(acts).toEqual([]);
  });
});
