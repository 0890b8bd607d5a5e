import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseQueues, type QueueSight } from '../../src/queues/choose-queues.ts';

const now = 100_000;
const options = { maxOpen: 2, idleMs: 10_000, turnMs: 10_000 };

const queue = (key: string, changes: Partial<QueueSight> = {}): QueueSight => ({
  key,
  hasWork: true,
  hasCritical: false,
  isPaused: false,
  openSince: null,
  lastSeen: 0,
  ...changes,
});
const open = (key: string, sinceMs: number, changes: Partial<QueueSight> = {}): QueueSight =>
  queue(key, { openSince: now - sinceMs, lastSeen: now, ...changes });

describe('chooseQueues', () => {
  it.each([
    { name: 'opens what has work', queues: [queue('a'), queue('b', { hasWork: false })], opened: ['a'], closed: [] },
    { name: 'leaves open what has work', queues: [open('a', 60_000)], opened: [], closed: [] },
    {
      name: 'keeps an idle queue for a while',
      queues: [open('a', 60_000, { hasWork: false, lastSeen: now - 9_999 })],
      opened: [],
      closed: [],
    },
    {
      name: 'closes a queue that was idle for 10 s',
      queues: [open('a', 60_000, { hasWork: false, lastSeen: now - 10_000 })],
      opened: [],
      closed: ['a'],
    },
    {
      name: 'closes a paused queue at once, and opens none',
      queues: [open('a', 1_000, { isPaused: true }), queue('b', { isPaused: true, hasCritical: true })],
      opened: [],
      closed: ['a'],
    },
    {
      name: 'opens those with critical records first',
      queues: [queue('a'), queue('b'), queue('c', { hasCritical: true })],
      opened: ['c', 'a'],
      closed: [],
    },
    {
      name: 'makes room for critical records at once',
      queues: [open('a', 1_000), open('b', 2_000), queue('c', { hasCritical: true })],
      opened: ['c'],
      closed: ['b'],
    },
    {
      name: 'gives up an idle queue first',
      queues: [open('a', 60_000, { hasWork: false, lastSeen: now - 1 }), open('b', 60_000), queue('c')],
      opened: ['c'],
      closed: ['a'],
    },
    {
      name: 'does not disturb a turn',
      queues: [open('a', 1_000), open('b', 9_999), queue('c')],
      opened: [],
      closed: [],
    },
    {
      name: 'gives the place of the longest turn to the one that waits longest',
      queues: [open('a', 20_000), open('b', 30_000), queue('c', { lastSeen: 5 }), queue('d', { lastSeen: 3 })],
      opened: ['d', 'c'],
      closed: ['a', 'b'],
    },
    {
      name: 'lets an old turn go on when nobody waits',
      queues: [open('a', 20_000), open('b', 30_000)],
      opened: [],
      closed: [],
    },
  ])('$name', ({ queues, opened, closed }) => {
    expect(chooseQueues(queues, options, now)).toEqual({ open: opened, close: closed });
  });

  it('never holds more than allowed, and never leaves a place empty while a queue has work', () => {
    const sight = fc.record({
      hasWork: fc.boolean(),
      hasCritical: fc.boolean(),
      isPaused: fc.boolean(),
      openSince: fc.option(fc.integer({ min: 0, max: now })),
      lastSeen: fc.integer({ min: 0, max: now }),
    });
    fc.assert(
      fc.property(fc.array(sight, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (sights, maxOpen) => {
        const queues = sights.map((one, index) => ({ ...one, key: String(index) }));
        const choice = chooseQueues(queues, { ...options, maxOpen }, now);
        const held = new Set(queues.filter((one) => one.openSince !== null).map(({ key }) => key));
        for (const key of choice.close) expect(held.delete(key)).toBe(true);
        for (const key of choice.open) expect(held.has(key)).toBe(false);
        for (const key of choice.open) held.add(key);
        expect(held.size).toBeLessThanOrEqual(maxOpen);
        const wanting = queues.filter((one) => one.hasWork && !one.isPaused);
        expect(wanting.filter(({ key }) => held.has(key)).length).toBe(Math.min(maxOpen, wanting.length));
        const critical = wanting.filter((one) => one.hasCritical);
        expect(critical.filter(({ key }) => held.has(key)).length).toBe(Math.min(maxOpen, critical.length));
      }),
    );
  });
});
