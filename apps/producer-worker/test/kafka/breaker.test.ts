import { createHealth } from '@stream-manager/shared/ops/health';
import type { PriorityClass } from '@stream-manager/shared/records/priority';
import { describe, expect, it } from 'vitest';
import { type BatchEnd, createBreaker, type GatedQueue, type Pass } from '../../src/kafka/breaker.ts';
import type { Outage } from '../../src/kafka/breaker-state.ts';
import { silent } from '../chunks.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const outage = (sourceId: string | null = 'fires', scope: Outage['scope'] = 'cluster'): BatchEnd => ({
  kind: 'outage',
  outage: { message: 'connection refused', scope, sourceId },
});

/** A breaker on a clock that the test moves, over a cluster that answers a look or not. */
const setup = (options: { readonly answers?: boolean; readonly enabled?: boolean } = {}) => {
  const cluster = { answers: options.answers ?? true, looks: 0 };
  const clock = { ms: 1_000 };
  const timers: { readonly at: number; readonly act: () => void }[] = [];
  const health = createHealth();
  const states: string[] = [];
  const breaker = createBreaker(
    {
      admin: {
        listTopics: async () => {
          cluster.looks += 1;
          if (!cluster.answers) throw new Error('connect ECONNREFUSED');
          return [];
        },
      },
      health,
      logger: silent,
      onChange: (state) => states.push(state),
      now: () => clock.ms,
      after: (delayMs, act) => {
        const timer = { at: clock.ms + delayMs, act };
        timers.push(timer);
        return () => {
          const index = timers.indexOf(timer);
          if (index >= 0) timers.splice(index, 1);
        };
      },
    },
    { enabled: options.enabled ?? true, threshold: 5, resetMs: 10_000 },
  );
  const acts: string[] = [];
  /** A queue that sends a batch whenever it is let, and has one waiting of this class (null: none). */
  const join = (
    sourceId: string,
    waiting: { urgency: PriorityClass | null },
  ): { passes: Pass[]; queue: GatedQueue } => {
    const passes: Pass[] = [];
    const queue: GatedQueue = {
      sourceId,
      urgency: () => waiting.urgency,
      wake: () => {
        if (waiting.urgency === null) return;
        const pass = breaker.enter(sourceId);
        if (pass === null) return;
        acts.push(`${sourceId} sends`);
        passes.push(pass);
      },
      shut: () => acts.push(`${sourceId} gives back`),
    };
    breaker.join(queue);
    return { passes, queue };
  };
  const fail = async (times: number, end: BatchEnd = outage()): Promise<void> => {
    for (let at = 0; at < times; at += 1) {
      const pass = breaker.enter('fires');
      if (pass === null) throw new Error('no leave');
      pass.end(end);
    }
    await settle();
  };
  const advance = async (ms: number): Promise<void> => {
    clock.ms += ms;
    for (const timer of timers.filter(({ at }) => at <= clock.ms)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.act();
    }
    await settle();
  };
  return { breaker, cluster, health, states, acts, join, fail, advance, timers };
};

describe('createBreaker', () => {
  it('starts closed when the cluster answers, and open when it does not', async () => {
    const well = setup();
    await well.breaker.start(new AbortController().signal);
    await settle();
    expect(well.breaker.state).toBe('closed');

    const away = setup({ answers: false });
    await away.breaker.start(new AbortController().signal);
    await settle();
    expect(away.breaker.state).toBe('open');
    expect(away.health.report().problems.kafka).toBe('unreachable, the breaker is open: connect ECONNREFUSED');
    expect(away.breaker.enter('fires')).toBeNull();
  });

  it('opens after five outages in a row: everything goes back, and nothing is let through', async () => {
    const { breaker, fail, join, acts, states, health } = setup();
    join('fires', { urgency: null });
    await fail(4);
    expect(breaker.state).toBe('closed');
    expect(health.report().problems).toEqual({});
    await fail(1);
    expect(breaker.state).toBe('open');
    expect(states).toEqual(['open']);
    expect(acts).toEqual(['fires gives back']);
    expect(breaker.enter('fires')).toBeNull();
  });

  it('counts in a row only: what is acknowledged between begins anew', async () => {
    const { breaker, fail } = setup();
    await fail(4);
    await fail(1, { kind: 'acknowledged' });
    await fail(4);
    expect(breaker.state).toBe('closed');
  });

  it('does not count refusals of records', async () => {
    const { breaker, fail } = setup();
    await fail(4);
    await fail(3, { kind: 'answered' });
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.state).toBe('open');
  });

  it('counts looks at a cluster that is away, so that a lone batch every minute is enough to know', async () => {
    const { breaker, fail } = setup({ answers: false });
    await fail(1);
    await fail(1);
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.state).toBe('open');
  });

  it('lets one batch through after resetMs, the most urgent, and closes when it is acknowledged', async () => {
    const { breaker, fail, join, advance, acts, states, health } = setup();
    await fail(5);
    const normal = join('normal', { urgency: 3 });
    const critical = join('critical', { urgency: 1 });
    join('idle', { urgency: null });
    await advance(9_999);
    expect(acts).toEqual([]);
    await advance(1);
    expect(breaker.state).toBe('half_open');
    expect(acts).toEqual(['critical sends']);
    critical.passes[0]?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'half_open', 'closed']);
    expect(acts).toEqual(['critical sends', 'critical sends', 'normal sends']);
    expect(normal.passes).toHaveLength(1);
    expect(health.report().problems).toEqual({});
  });

  it('opens again when the trial fails, and gives way to a source that did not fail', async () => {
    const { breaker, fail, join, advance, acts } = setup();
    await fail(5);
    const fires = join('fires', { urgency: 3 });
    const others = join('others', { urgency: 3 });
    await advance(10_000);
    expect(acts).toEqual(['others sends']);
    others.passes[0]?.end(outage('others'));
    expect(breaker.state).toBe('open');
    await advance(9_999);
    expect(acts).toEqual(['others sends']);
    await advance(1);
    expect(acts).toEqual(['others sends', 'fires sends']);
    fires.passes[0]?.end({ kind: 'answered' });
    expect(breaker.state).toBe('closed');
  });

  it('looks at the cluster where nobody has a batch for the trial', async () => {
    const { breaker, cluster, fail, advance } = setup();
    await fail(5);
    cluster.answers = false;
    await advance(10_000);
    expect(breaker.state).toBe('open');
    cluster.answers = true;
    await advance(10_000);
    expect(breaker.state).toBe('closed');
  });

  it('tries another source at once while only partitions of one are sick', async () => {
    const { breaker, fail, join } = setup();
    await fail(5, outage('fires', 'partition'));
    expect(breaker.enter('fires')).toBeNull();
    const healthy = join('healthy', { urgency: 3 });
    healthy.queue.wake();
    expect(healthy.passes).toHaveLength(1);
    healthy.passes[0]?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('gives the trial to the next when a batch did not go', async () => {
    const { breaker, fail, join, advance, acts } = setup();
    await fail(5);
    const waiting: { urgency: PriorityClass | null } = { urgency: 2 };
    const first = join('first', waiting);
    join('second', { urgency: 3 });
    await advance(10_000);
    waiting.urgency = null;
    first.passes[0]?.end({ kind: 'not_sent' });
    expect(acts).toEqual(['first sends', 'second sends']);
    expect(breaker.state).toBe('half_open');
  });

  it('closes when a batch that was on its way is acknowledged late', async () => {
    const { breaker, fail } = setup();
    const late = breaker.enter('fires');
    await fail(5);
    late?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('counts the trouble of a publish that the client keeps up, and its end closes it', async () => {
    const { breaker, advance } = setup({ answers: false });
    const kept = breaker.enter('fires');
    for (let times = 0; times < 5; times += 1) breaker.trouble({ message: 'no answer', scope: 'cluster' });
    await settle();
    expect(breaker.state).toBe('open');
    await advance(10_000);
    breaker.trouble({ message: 'no answer', scope: 'cluster' });
    expect(breaker.state).toBe('open');
    kept?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('never opens when it is turned off', async () => {
    const { breaker, fail, cluster } = setup({ enabled: false, answers: false });
    await breaker.start(new AbortController().signal);
    await fail(20);
    expect(breaker.state).toBe('closed');
    expect(cluster.looks).toBe(0);
  });

  it('leaves no timer behind when it is stopped', async () => {
    const { breaker, fail, timers } = setup();
    await fail(5);
    expect(timers).toHaveLength(1);
    await breaker.stop();
    expect(timers).toHaveLength(0);
  });
});
