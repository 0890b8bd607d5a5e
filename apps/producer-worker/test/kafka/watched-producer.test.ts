// What becomes of publishes that hang, in virtual time: a producer that answers by hand, the real watch over it.
import type { OutgoingRecord, PublishResult } from '@stream-manager/shared/kafka/port';
import { createHealth } from '@stream-manager/shared/ops/health';
import { createJobWatch } from '@stream-manager/shared/ops/job-watch';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { describe, expect, it } from 'vitest';
import { hungAfterMs, watchProducer } from '../../src/kafka/watched-producer.ts';
import { silent } from '../chunks.ts';

const setUp = () => {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly act: () => void }>();
  const health = createHealth();
  health.setPhase('ready');
  const watch = createJobWatch(
    {
      health,
      logger: silent,
      now: () => nowMs,
      after: (delayMs, act) => {
        const timer = { dueMs: nowMs + delayMs, act };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    { limitMs: hungAfterMs },
  );
  /** Moves on, timer by timer; what they set off has its turn in between. */
  const pass = async (ms: number): Promise<void> => {
    const untilMs = nowMs + ms;
    const due = () => [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
    for (let next = due(); next !== undefined; next = due()) {
      timers.delete(next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.act();
      await new Promise((resolve) => setImmediate(resolve));
    }
    nowMs = untilMs;
  };
  const calls: { readonly signal: AbortSignal; answer(result: PublishResult): void; fail(error: Error): void }[] = [];
  const watched = watchProducer(
    {
      publish: (_records, options) => {
        const { promise, resolve, reject } = Promise.withResolvers<PublishResult>();
        calls.push({ signal: options?.signal ?? AbortSignal.abort(), answer: resolve, fail: reject });
        return promise;
      },
      timestampBounds: async () => new Map(),
    },
    watch,
  );
  return { watched, calls, health, pass, timers };
};

const records: readonly OutgoingRecord[] = [outgoingRecord('fires', 0), outgoingRecord('fires', 1)];

/** What has come of a promise by now. */
const outcomeOf = <Result>(promise: Promise<Result>): Promise<Result | 'open'> =>
  Promise.race([promise, new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))]);

describe('a publish that shows no sign for a minute', () => {
  it('is called off, and ends as the producer says', async () => {
    const { watched, calls, health, pass } = setUp();
    const publishing = watched.publish(records);
    await pass(hungAfterMs - 1);
    expect(calls[0]?.signal.aborted).toBe(false);
    expect(health.report().ready).toBe(true);
    await pass(1);
    expect(calls[0]?.signal.reason).toMatchObject({ code: 'hung' });
    expect(health.report().problems).toEqual({ hung: expect.stringContaining('a batch of source contract') });
    const stopped = { failures: [{ indexes: [0, 1], error: new Error('stopped') }] };
    calls[0]?.answer(stopped);
    expect(await publishing).toEqual(stopped);
    expect(health.report().ready).toBe(true);
  });

  it('is not given up while it may be written: it stays named in /readyz until it is answered, and that answer holds', async () => {
    const { watched, calls, health, pass, timers } = setUp();
    const publishing = watched.publish(records);
    for (let minute = 0; minute < 60; minute += 1) {
      await pass(60_000);
      expect(health.report().ready).toBe(false);
      expect(await outcomeOf(publishing)).toBe('open');
    }
    calls[0]?.answer({ failures: [] });
    expect(await publishing).toEqual({ failures: [] });
    expect(health.report().ready).toBe(true);
    expect(timers.size).toBe(0);
    expect(calls).toHaveLength(1);
  });

  it('is left alone while the client tells of trouble', async () => {
    const { watched, calls, health, pass } = setUp();
    const publishing = watched.publish(records);
    for (let minute = 0; minute < 60; minute += 1) {
      await pass(hungAfterMs - 1);
      watched.progress();
    }
    expect(calls[0]?.signal.aborted).toBe(false);
    expect(health.report().ready).toBe(true);
    calls[0]?.answer({ failures: [] });
    expect(await publishing).toEqual({ failures: [] });
  });
});

it('a publish that ends, or fails, is passed on as it is and leaves nothing behind', async () => {
  const { watched, calls, timers } = setUp();
  const [good, bad] = [watched.publish(records), watched.publish(records)];
  calls[0]?.answer({ failures: [] });
  calls[1]?.fail(new Error('a fault of ours'));
  expect(await good).toEqual({ failures: [] });
  await expect(bad).rejects.toThrow('a fault of ours');
  expect(timers.size).toBe(0);
});
