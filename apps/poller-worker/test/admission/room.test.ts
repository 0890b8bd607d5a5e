import type { ChunkLimits, QueueCounts } from '@stream-manager/shared/queues/chunk-store';
import { describe, expect, it } from 'vitest';
import { createRoom, hasRoom, type WaitingChunk } from '../../src/admission/room.ts';
import { halfOfSlots } from '../../src/slots.ts';

const limits: ChunkLimits = {
  maxRecords: 100,
  criticalReserve: 10,
  overflow: 'backpressure',
  dedupeWindowMs: 1,
  dedupeMaxIds: 1,
  publishCorrections: true,
};
const chunk: WaitingChunk = { sourceId: 'a', priority: 3, records: 20, limits };

/** A queue whose total a test sets; `asked` counts the looks at it. */
const queueOf = (total: number) => {
  const state = { total, asked: 0 };
  const counts = async (): Promise<ReadonlyMap<string, QueueCounts>> => {
    state.asked += 1;
    return new Map([['a', { total: state.total, byPriority: { 1: 0, 2: 0, 3: state.total, 4: 0 } }]]);
  };
  return { state, store: { counts } };
};

describe('room', () => {
  it.each([
    { total: 70, priority: 3, expected: true },
    { total: 71, priority: 3, expected: false },
    { total: 80, priority: 1, expected: true },
    { total: 81, priority: 1, expected: false },
    { total: 0, priority: 4, expected: true },
  ] as const)('for 20 records of class $priority over $total: $expected', ({ total, priority, expected }) => {
    expect(hasRoom(total, { ...chunk, priority })).toBe(expected);
  });

  it('is found as soon as the queue has drained', async () => {
    const { state, store } = queueOf(90);
    const room = createRoom(
      { memory: { high: async () => null }, store, now: () => performance.now() },
      { maxWaiting: 1 },
    );
    const answer = room.waitFor(chunk, performance.now() + 60_000, new AbortController().signal);
    state.total = 70;
    expect(await answer).toBe('room');
  });

  it('is not found while Redis has no memory left, however empty the queue is', async () => {
    const { store } = queueOf(0);
    const memory = { isHigh: true, high: async () => (memory.isHigh ? 'Redis is full' : null) };
    const room = createRoom({ memory, store, now: () => performance.now() }, { maxWaiting: 1 });
    const stop = new AbortController().signal;
    expect(await room.waitFor(chunk, performance.now() + 30, stop)).toBe('timeout');
    const answer = room.waitFor(chunk, performance.now() + 60_000, stop);
    memory.isHigh = false;
    expect(await answer).toBe('room');
  });

  it('is waited for no longer than allowed', async () => {
    const { state, store } = queueOf(90);
    let now = 0;
    const clock = (): number => {
      now += 20;
      return now;
    };
    const room = createRoom({ memory: { high: async () => null }, store, now: clock }, { maxWaiting: 1 });
    expect(await room.waitFor(chunk, 100, new AbortController().signal)).toBe('timeout');
    expect(state.asked).toBeGreaterThan(0);
    expect(await room.waitFor(chunk, 0, new AbortController().signal)).toBe('timeout');
  });

  it('is not waited for once the process stops', async () => {
    const { store } = queueOf(90);
    const room = createRoom(
      { memory: { high: async () => null }, store, now: () => performance.now() },
      { maxWaiting: 1 },
    );
    const stop = new AbortController();
    const answer = room.waitFor(chunk, performance.now() + 60_000, stop.signal);
    stop.abort();
    expect(await answer).toBe('stopped');
  });

  it('is waited for by no more than the allowed number of polls at a time', async () => {
    const { store } = queueOf(90);
    const room = createRoom(
      { memory: { high: async () => null }, store, now: () => performance.now() },
      { maxWaiting: 2 },
    );
    const stop = new AbortController();
    const until = performance.now() + 60_000;
    const waiting = [1, 2].map(() => room.waitFor(chunk, until, stop.signal));
    expect(await room.waitFor(chunk, until, stop.signal)).toBe('busy');
    stop.abort();
    expect(await Promise.all(waiting)).toEqual(['stopped', 'stopped']);
    expect(await room.waitFor(chunk, until, stop.signal)).toBe('stopped');
  });

  it.each([
    { concurrency: 1, slots: 1 },
    { concurrency: 2, slots: 1 },
    { concurrency: 32, slots: 16 },
    { concurrency: 33, slots: 16 },
  ])('may be waited for by $slots of $concurrency slots', ({ concurrency, slots }) => {
    expect(halfOfSlots(concurrency)).toBe(slots);
  });
});
