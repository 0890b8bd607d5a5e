import { createHealth } from '@stream-manager/shared/ops/health';
import { describe, expect, it } from 'vitest';
import { type BatchEnd, createBreaker, invitationMs, type Pass, roundMs } from '../../src/kafka/breaker.ts';
import type { Outage } from '../../src/kafka/breaker-state.ts';
import type { Head } from '../../src/queues/read-heads.ts';
import { silent } from '../chunks.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const resetMs = 10_000;

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
  const heads = new Map<string, Head>();
  const redis = { isAway: false };
  const breaker = createBreaker(
    {
      admin: {
        listTopics: async () => {
          cluster.looks += 1;
          if (!cluster.answers) throw new Error('connect ECONNREFUSED');
          return [];
        },
      },
      readHeads: async (ids) => {
        if (redis.isAway) throw new Error('LOADING');
        return new Map(ids.map((id) => [id, heads.get(id) ?? null]));
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
    { enabled: options.enabled ?? true, threshold: 5, resetMs },
  );
  const acts: string[] = [];
  const passes = new Map<string, Pass>();
  /** A queue with a chunk of this class at its head; `sends`: it sends as soon as it is invited. */
  const join = (sourceId: string, head: Head, sends = true): void => {
    heads.set(sourceId, head);
    breaker.join({
      sourceId,
      open: () => acts.push(`${sourceId} opens`),
      shut: () => acts.push(`${sourceId} shuts`),
      invite: () => {
        acts.push(`${sourceId} is invited`);
        const pass = sends ? breaker.enter(sourceId) : null;
        if (pass !== null) passes.set(sourceId, pass);
      },
    });
  };
  const fail = async (times: number, end: BatchEnd = outage()): Promise<void> => {
    for (let at = 0; at < times; at += 1) {
      const pass = breaker.enter('fires');
      if (pass === null) throw new Error('no leave');
      pass.end(end);
    }
    await settle();
  };
  /** Moves the clock, timer by timer. */
  const advance = async (ms: number): Promise<void> => {
    const end = clock.ms + ms;
    for (;;) {
      await settle();
      const [due] = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (due === undefined) break;
      clock.ms = Math.max(clock.ms, due.at);
      timers.splice(timers.indexOf(due), 1);
      due.act();
    }
    clock.ms = end;
  };
  const end = async (sourceId: string, how: BatchEnd): Promise<void> => {
    passes.get(sourceId)?.end(how);
    passes.delete(sourceId);
    await settle();
  };
  /** What was done since the last look at it. */
  const done = (): readonly string[] => acts.splice(0);
  return { breaker, cluster, redis, health, heads, states, join, fail, advance, end, done, timers };
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
    away.cluster.answers = true;
    await away.advance(resetMs);
    expect(away.breaker.state).toBe('closed');
  });

  it('opens after five outages in a row: every queue shuts, and nothing is let through', async () => {
    const { breaker, fail, join, done, states, health } = setup();
    join('fires', 3);
    await fail(4);
    expect(breaker.state).toBe('closed');
    expect(health.report().problems).toEqual({});
    await fail(1);
    expect(breaker.state).toBe('open');
    expect(states).toEqual(['open']);
    expect(done()).toEqual(['fires shuts']);
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

  it('invites one queue after resetMs, the most urgent, and opens all when its batch is acknowledged', async () => {
    const { breaker, fail, join, advance, end, done, states, health } = setup();
    join('normal', 3);
    join('critical', 1);
    join('idle', null);
    await fail(5);
    done();
    await advance(resetMs - 1);
    expect(done()).toEqual([]);
    await advance(1);
    expect(breaker.state).toBe('half_open');
    expect(done()).toEqual(['critical is invited']);
    expect(breaker.enter('normal')).toBeNull();
    expect(breaker.enter('critical')).toBeNull();
    await end('critical', { kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'half_open', 'closed']);
    expect(done()).toEqual(['normal opens', 'critical opens', 'idle opens']);
    expect(health.report().problems).toEqual({});
  });

  it('opens again when the trial fails, and the next one is somebody else’s', async () => {
    const { breaker, fail, join, advance, end, done } = setup();
    join('fires', 1);
    join('others', 4);
    await fail(5);
    done();
    await advance(resetMs);
    expect(done()).toEqual(['others is invited']);
    await end('others', outage('others'));
    expect(breaker.state).toBe('open');
    expect(done()).toEqual(['others shuts']);
    await advance(resetMs - 1);
    expect(done()).toEqual([]);
    await advance(1);
    expect(done()).toEqual(['fires is invited']);
    await end('fires', { kind: 'answered' });
    expect(breaker.state).toBe('closed');
  });

  it('looks at the cluster where nobody has a batch for the trial', async () => {
    const { breaker, cluster, fail, advance } = setup();
    await fail(5);
    cluster.answers = false;
    await advance(resetMs);
    expect(breaker.state).toBe('open');
    cluster.answers = true;
    await advance(resetMs);
    expect(breaker.state).toBe('closed');
  });

  it('tries healthy sources at once while only partitions of others are sick', async () => {
    const { breaker, fail, join, advance, end, done } = setup();
    join('fires', 1);
    join('healthy', 3);
    await fail(5, outage('fires', 'partition'));
    await advance(0);
    expect(done()).toEqual(['fires shuts', 'healthy shuts', 'healthy is invited']);
    await end('healthy', { kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('finds a healthy source that gets something only later, without waiting for the trial', async () => {
    const { fail, join, heads, advance, done } = setup();
    join('healthy', null);
    await fail(5, outage('fires', 'partition'));
    await advance(3 * roundMs);
    done();
    heads.set('healthy', 2);
    await advance(roundMs);
    expect(done()).toEqual(['healthy is invited']);
  });

  it('invites the next when nothing comes of an invitation', async () => {
    const { fail, join, advance, done } = setup();
    join('paused', 1, false);
    join('second', 3);
    await fail(5);
    done();
    await advance(resetMs);
    expect(done()).toEqual(['paused is invited']);
    await advance(invitationMs);
    expect(done()).toEqual(['paused shuts', 'second is invited']);
  });

  it('gives the trial to the next when a batch did not go, or asks the cluster', async () => {
    const { breaker, cluster, fail, join, heads, advance, end, done } = setup();
    join('first', 2);
    await fail(5);
    done();
    await advance(resetMs);
    heads.set('first', null);
    const { looks } = cluster;
    await end('first', { kind: 'not_sent' });
    await advance(0);
    expect(cluster.looks).toBe(looks + 1);
    expect(breaker.state).toBe('closed');
  });

  it('goes on trying while Redis does not answer', async () => {
    const { breaker, redis, fail, join, advance, done } = setup();
    join('fires', 3);
    await fail(5);
    redis.isAway = true;
    await advance(resetMs + 5 * roundMs);
    expect(breaker.state).toBe('half_open');
    done();
    redis.isAway = false;
    await advance(roundMs);
    expect(done()).toEqual(['fires is invited']);
  });

  it('closes when a batch that was on its way is acknowledged late', async () => {
    const { breaker, fail } = setup();
    const late = breaker.enter('fires');
    await fail(5);
    late?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('counts the trouble of a publish that the client keeps up, and its end closes it', async () => {
    const { breaker, advance, join } = setup({ answers: false });
    join('fires', null);
    const kept = breaker.enter('fires');
    const trouble = (): void => breaker.trouble({ message: 'no answer', scope: 'cluster' }, ['fires']);
    for (let times = 0; times < 5; times += 1) trouble();
    await settle();
    expect(breaker.state).toBe('open');
    await advance(resetMs);
    trouble();
    expect(breaker.state).toBe('open');
    kept?.end({ kind: 'acknowledged' });
    expect(breaker.state).toBe('closed');
  });

  it('lets the trouble of one source end its own trial only', async () => {
    const { breaker, fail, join, advance } = setup();
    join('healthy', 3);
    await fail(5);
    await advance(resetMs);
    breaker.trouble({ message: 'no answer', scope: 'partition' }, ['fires']);
    expect(breaker.state).toBe('half_open');
    breaker.trouble({ message: 'no answer', scope: 'partition' }, ['healthy']);
    expect(breaker.state).toBe('open');
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
