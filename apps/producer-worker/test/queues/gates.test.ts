import type { SendRequest } from '@stream-manager/shared/queues/throttle-store';
import { describe, expect, it } from 'vitest';
import type { GatedQueue } from '../../src/kafka/breaker.ts';
import { createGates } from '../../src/queues/gates.ts';
import { silent } from '../chunks.ts';

/** Gates over a breaker and a throttle that do what the test says. */
const setup = ({ isThrottled = false, rates = { maxRate: 100_000, minRate: 10 } as const } = {}) => {
  const breaker = { isShut: false, isTrialFree: true };
  const joined: GatedQueue[] = [];
  const told: string[] = [];
  const asked: SendRequest[] = [];
  const gates = createGates(
    {
      breaker: {
        isShut: () => breaker.isShut,
        enter: () => (breaker.isShut && !breaker.isTrialFree ? null : { end: () => {} }),
        join: (queue) => {
          joined.push(queue);
          return () => void joined.pop();
        },
      },
      store: {
        askToSend: async (_sourceId, request) => {
          asked.push(request);
          const isGranted = request.priority === 1 || request.records === 0 || !isThrottled;
          return { isGranted, waitMs: isGranted ? 0 : 5_000, allowedRate: 10, delayMs: isThrottled ? 5_000 : 0 };
        },
      },
      onChange: () => told.push('change'),
      onShut: () => told.push('shut'),
      logger: silent,
      after: () => () => {},
    },
    { sourceId: 'fires', asker: 'worker-1', isWhole: false, batchSize: 500, batchesInHand: 5, rates },
  );
  const [queue] = joined;
  if (queue === undefined) throw new Error('the gates did not join the breaker');
  const view = () => [gates.leave(), gates.mayFetch(), gates.mayHold()];
  return { gates, breaker, queue, told, asked, joined, view };
};

const batch = { records: 100, priority: 3 } as const;

describe('the gates of a queue', () => {
  it('are open while neither the breaker nor the throttle is shut', async () => {
    const { gates, view } = setup();
    expect(view()).toEqual(['any', true, true]);
    expect(await gates.enter(batch)).not.toBeNull();
    expect(gates.isHeldBack()).toBe(false);
  });

  it('let critical batches through while the throttle is shut, and hold the others until the queue closes', async () => {
    const { gates, view } = setup({ isThrottled: true });
    expect(await gates.enter(batch)).toBeNull();
    expect(view()).toEqual(['critical', true, true]);
    expect(gates.isHeldBack()).toBe(true);
    expect(await gates.enter({ ...batch, priority: 1 })).not.toBeNull();
    gates.startClosing();
    expect(view()).toEqual(['critical', true, false]);
  });

  it('hold and fetch nothing while the breaker is shut', () => {
    const { gates, breaker, queue, told, view } = setup();
    breaker.isShut = true;
    queue.shut();
    expect(told).toEqual(['shut', 'change']);
    expect(view()).toEqual(['none', false, false]);
    expect(gates.recordsInHand()).toBe(1);
  });

  it('let an invited queue send one batch, whatever the throttle says', async () => {
    const { gates, breaker, queue, asked, view } = setup({ isThrottled: true });
    await gates.enter(batch);
    const before = asked.length;
    breaker.isShut = true;
    queue.shut();
    queue.invite();
    expect(view()).toEqual(['any', true, true]);
    expect(await gates.enter(batch)).not.toBeNull();
    expect(asked).toHaveLength(before);
    // It is on its way: nothing goes beside it.
    expect(view()).toEqual(['none', true, true]);
    breaker.isShut = false;
    queue.open();
    expect(gates.leave()).toBe('critical');
  });

  it('let nobody ask again when the trial has become another queue’s', async () => {
    const { gates, breaker, queue } = setup();
    breaker.isShut = true;
    breaker.isTrialFree = false;
    queue.invite();
    expect(await gates.enter(batch)).toBeNull();
    expect(gates.leave()).toBe('none');
  });

  it('measure by the rate what is not critical', async () => {
    const { gates } = setup();
    await gates.enter(batch);
    expect([gates.batchRecords(1), gates.batchRecords(2)]).toEqual([500, 160]);
  });

  it('leave the breaker when they close', () => {
    const { gates, joined } = setup();
    gates.close();
    expect(joined).toEqual([]);
    expect(gates.leave()).toBe('none');
  });
});
