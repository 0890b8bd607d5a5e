import type { SendLeave, SendRequest } from '@stream-manager/shared/queues/throttle-store';
import { batchLimit } from '@stream-manager/shared/throttle/batch-limit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSendThrottle, inHandLimit, openThrottle } from '../../src/throttle/send-throttle.ts';

const granted: SendLeave = { isGranted: true, waitMs: 0, allowedRate: 100_000, delayMs: 0 };
const low = { records: 500, priority: 4 } as const;

/** A throttle whose bucket answers what the test says, with timers that the test runs. */
const setup = (answer: (request: SendRequest) => SendLeave = () => granted, isWhole = false) => {
  const asked: SendRequest[] = [];
  const timers: { readonly delayMs: number; readonly act: () => void }[] = [];
  let opened = 0;
  const logged: string[] = [];
  const throttle = createSendThrottle(
    {
      store: {
        askToSend: async (_sourceId, request) => {
          asked.push(request);
          return answer(request);
        },
      },
      onOpen: () => {
        opened += 1;
      },
      logger: { debug: () => {}, warn: ({ error }: { readonly error: string }) => void logged.push(`warn ${error}`) },
      after: (delayMs, act) => {
        const timer = { delayMs, act };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    },
    {
      sourceId: 'firms',
      asker: 'worker-1',
      isWhole,
      batchSize: 500,
      batchesInHand: 5,
      rates: { maxRate: 100_000, minRate: 10 },
    },
  );
  const pass = (): void => timers.shift()?.act();
  return { throttle, asked, timers, pass, logged, opened: () => opened };
};

describe('createSendThrottle', () => {
  it('asks with the rates of the source, and for critical records as such', async () => {
    const { throttle, asked } = setup();
    expect(await throttle.ask(low)).toBe(true);
    expect(await throttle.ask({ records: 1, priority: 1 })).toBe(true);
    expect(asked).toEqual([
      // Before the first batch, what holds: it may have to be cut.
      { records: 0, priority: 4, asker: 'worker-1', maxRate: 100_000, minRate: 10 },
      { records: 500, priority: 4, asker: 'worker-1', maxRate: 100_000, minRate: 10 },
      { records: 1, priority: 1, asker: 'worker-1', maxRate: 100_000, minRate: 10 },
    ]);
    expect(throttle.leave()).toBe('any');
  });

  it('is shut for others than critical records until the answer said, and tells once', async () => {
    const { throttle, timers, pass, opened } = setup(() => ({ ...granted, isGranted: false, waitMs: 300 }));
    expect(await throttle.ask(low)).toBe(false);
    expect(await throttle.ask(low)).toBe(false);
    expect(throttle.leave()).toBe('critical');
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([300]);
    pass();
    expect(throttle.leave()).toBe('any');
    expect(opened()).toBe(1);
  });

  it.each([
    { waitMs: 0, timerMs: 2 },
    { waitMs: 999, timerMs: 999 },
    { waitMs: 16_000, timerMs: 1_000 },
  ])('asks again after $timerMs ms when it is to wait $waitMs ms', async ({ waitMs, timerMs }) => {
    const { throttle, timers } = setup(() => ({ ...granted, isGranted: false, waitMs }));
    await throttle.ask(low);
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([timerMs]);
  });

  it('lets nobody ask for a second when Redis does not answer', async () => {
    const { throttle, timers, pass } = setup(() => {
      throw new Error('Redis is away');
    });
    expect(await throttle.ask({ records: 1, priority: 1 })).toBe(false);
    expect(throttle.leave()).toBe('none');
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([1_000]);
    pass();
    expect(throttle.leave()).toBe('any');
  });

  it('says once, and not at every question, that Redis refuses the question itself', async () => {
    let refusal: Error | null = Object.assign(new Error('NOPERM this user has no permissions'), { name: 'ReplyError' });
    const { throttle, pass, logged } = setup(() => {
      if (refusal !== null) throw refusal;
      return granted;
    });
    for (let time = 0; time < 3; time += 1) {
      await throttle.ask(low);
      pass();
    }
    expect(logged).toEqual(['warn NOPERM this user has no permissions']);
    refusal = null;
    await throttle.ask(low);
    refusal = new Error('Connection is closed.');
    await throttle.ask(low);
    expect(logged).toEqual(['warn NOPERM this user has no permissions']);
  });

  it('has a batch cut that was chosen before the rate was known, or at a higher one', async () => {
    let allowedRate = 10;
    const { throttle, asked, pass } = setup(() => ({ ...granted, allowedRate }));
    expect(await throttle.ask(low)).toBe(false);
    expect(asked.map(({ records }) => records)).toEqual([0]);
    expect([throttle.batchRecords(), throttle.leave()]).toEqual([160, 'critical']);
    pass();
    expect(await throttle.ask({ records: 160, priority: 4 })).toBe(true);
    allowedRate = 5;
    expect(await throttle.ask({ records: 160, priority: 4 })).toBe(true);
    expect(await throttle.ask({ records: 160, priority: 4 })).toBe(false);
    // What is critical is not measured by the rate.
    expect(await throttle.ask({ records: 500, priority: 1 })).toBe(true);
  });

  it('asks for a chunk that goes whole, however large it is', async () => {
    const { throttle, asked } = setup(() => ({ ...granted, allowedRate: 10 }), true);
    expect(await throttle.ask({ records: 2_000, priority: 4 })).toBe(true);
    expect(asked.map(({ records }) => records)).toEqual([2_000]);
  });

  it('leaves no timer when it is closed, and nobody asks any more', async () => {
    const { throttle, timers } = setup(() => ({ ...granted, isGranted: false, waitMs: 300 }));
    await throttle.ask(low);
    throttle.close();
    expect(timers).toEqual([]);
    expect(throttle.leave()).toBe('none');
  });

  it('has one batch in hand between pauses', async () => {
    let answer = granted;
    const { throttle } = setup(() => answer);
    expect(throttle.recordsInHand()).toBe(2_500);
    await throttle.ask(low);
    expect(throttle.recordsInHand()).toBe(2_500);
    answer = { ...granted, delayMs: 1_000 };
    await throttle.ask(low);
    expect(throttle.recordsInHand()).toBe(500);
    answer = { ...granted, allowedRate: 10, delayMs: 1_000 };
    await throttle.ask(low);
    expect(throttle.batchRecords()).toBe(160);
  });
});

describe('the limits of a batch and of what is in hand', () => {
  it.each([
    { allowedRate: 100_000, batch: 500, inHand: 2_500 },
    { allowedRate: 2_000, batch: 500, inHand: 1_000 },
    { allowedRate: 100, batch: 500, inHand: 500 },
    { allowedRate: 10, batch: 160, inHand: 160 },
    { allowedRate: 0.05, batch: 1, inHand: 1 },
  ])('at $allowedRate records/s a batch has $batch and $inHand are in hand', ({ allowedRate, batch, inHand }) => {
    expect(batchLimit(allowedRate, 500)).toBe(batch);
    expect(inHandLimit({ allowedRate, delayMs: 0 }, { batchSize: 500, batchesInHand: 5 })).toBe(inHand);
  });

  it('a batch takes no longer than 16 s of the rate unless it is a single record, and fits into the hand', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 1e7, noNaN: true }), fc.integer({ min: 1, max: 10_000 }), (rate, size) => {
        const batch = batchLimit(rate, size);
        expect(batch).toBeGreaterThanOrEqual(1);
        expect(batch).toBeLessThanOrEqual(size);
        expect(batch === 1 || batch / rate <= 16).toBe(true);
        for (const delayMs of [0, 1_000]) {
          const inHand = inHandLimit({ allowedRate: rate, delayMs }, { batchSize: size, batchesInHand: 5 });
          expect(inHand).toBeGreaterThanOrEqual(batch);
          expect(inHand).toBeLessThanOrEqual(size * 5);
        }
      }),
    );
  });
});

describe('openThrottle', () => {
  it('holds nothing back', async () => {
    const throttle = openThrottle({ batchSize: 500, batchesInHand: 5 });
    expect(await throttle.ask(low)).toBe(true);
    expect([throttle.leave(), throttle.batchRecords(), throttle.recordsInHand()]).toEqual(['any', 500, 2_500]);
  });
});
