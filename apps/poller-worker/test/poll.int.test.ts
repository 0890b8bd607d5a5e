import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { fleetKeys, sourceKeys } from '@stream-manager/shared/queues/keys';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import {
  createGate,
  onePage,
  openPollerBundle,
  page,
  reading,
  readings,
  type Script,
  sourceId,
} from './poller-bundle.ts';

const idsOf = (envelopes: readonly { readonly data: Readonly<Record<string, unknown>> }[]): readonly unknown[] =>
  envelopes.map((envelope) => envelope.data['stationId']);

describe('a poll', () => {
  it('admits what its source gives, adds the chunk jobs and says so', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page([...readings(0, 1100), reading(7, { data: { stationId: 'S7', temperatureC: 12 } })]));
    await poller.startPoller();
    const job = await poller.pollOnce();
    expect(job.returnvalue).toEqual({ outcome: 'ok', records: 1100 });
    const stored = await poller.stored();
    expect(stored).toHaveLength(1100);
    expect(stored.find((envelope) => envelope.data['stationId'] === 'S7')?.data['temperatureC']).toBe(12);
    const jobs = await poller.records.getPrioritized();
    expect(jobs.map((chunk) => chunk.data.records)).toEqual([500, 500, 100]);
    expect(jobs.every((chunk) => chunk.opts.priority === 3 && chunk.data.pollId === job.id)).toBe(true);
    expect(jobs[0]!.data.sample).toHaveLength(3);
    const { lastPoll, answers } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'ok', records: 1100, error: null });
    expect(answers).toMatchObject({ rows: 1101, newestObservedAtMs: reading(1099).observedAtMs });
    expect(await poller.value('polls_total', { outcome: 'ok' })).toBe(1);
    expect(await poller.value('records_accepted_total')).toBe(1100);
    expect(await poller.value('records_duplicate_total')).toBe(1);
    expect(await poller.claimedBy()).toBeNull();
  });

  it('of the same rows stores none of them again, and a corrected one once', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 20)));
    await poller.startPoller();
    await poller.pollOnce(1);
    const first = await poller.stored();
    expect((await poller.pollOnce(2)).returnvalue).toEqual({ outcome: 'ok', records: 0 });
    expect(await poller.stored()).toEqual(first);
    expect(await poller.value('records_duplicate_total')).toBe(20);
    poller.script = onePage(page([...readings(0, 19), reading(19, { data: { stationId: 'S19', temperatureC: 12 } })]));
    expect((await poller.pollOnce(3)).returnvalue).toEqual({ outcome: 'ok', records: 1 });
    const [first19, again19] = (await poller.stored()).filter((envelope) => envelope.data['stationId'] === 'S19');
    expect(again19!.id).toBe(first19!.id);
  });

  it('brings critical records into the queue before all others', async () => {
    await using poller = await openPollerBundle({ priority: 'low' });
    const alert = reading(50, { type: 'weather-alert', data: { stationId: 'S50', severity: 'Extreme' } });
    poller.script = onePage(page([...readings(0, 50), alert]));
    await poller.startPoller();
    await poller.pollOnce();
    expect(idsOf(await poller.stored())[0]).toBe('S50');
    const next = (await poller.records.getPrioritized(0, 0))[0]!;
    expect(next.data).toMatchObject({ priority: 1, records: 1 });
  });

  it('keeps each invalid row once, however often it is polled, with its reason', async () => {
    await using poller = await openPollerBundle();
    const row = { raw: '39.7,-121.6,x', reason: 'not_a_number', message: 'frp: expected a number, found "x"' };
    poller.script = onePage(page(readings(0, 3), null, [row, row]));
    await poller.startPoller();
    for (const tick of [1, 2, 3]) await poller.pollOnce(tick);
    const letters = await poller.letters.getJobs(['waiting']);
    expect(letters.map((letter) => letter.data)).toMatchObject([
      { sourceId, code: 'invalid_row', reason: 'not_a_number: frp: expected a number, found "x"', raw: row.raw },
    ]);
    expect(letters[0]!.id).toMatch(/^[A-Za-z0-9_-]{22}-[0-9a-f]{6}-0$/);
    expect(await poller.value('records_invalid_total', { reason: 'not_a_number' })).toBe(1);
    expect(await poller.value('dead_letters_total', { code: 'invalid_row' })).toBe(1);
    // Discarded, it does not come back: its hash is remembered.
    await letters[0]!.remove();
    await poller.pollOnce(4);
    expect(await poller.letters.getJobCountByTypes('waiting', 'failed')).toBe(0);
    expect(await poller.stored()).toHaveLength(3);
  });

  it('rings for the producers', async () => {
    await using poller = await openPollerBundle();
    const listener = poller.redis.duplicate();
    const heard: string[] = [];
    listener.on('message', (_channel, text) => heard.push(text));
    await listener.subscribe(fleetKeys(poller.keyPrefix).ring);
    poller.script = onePage(page(readings(0, 5)));
    await poller.startPoller();
    await poller.pollOnce();
    await waitUntil('the ring', () => heard.length > 0);
    expect(heard).toEqual([sourceId]);
    listener.disconnect();
  });

  it('of a paused source is skipped', async () => {
    await using poller = await openPollerBundle();
    await poller.states.setPaused(sourceId, true);
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'paused' });
    expect(poller.calls).toEqual([]);
  });

  it('of a source that this poller does not know is skipped', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    const job = await poller.polls.add('poll', { sourceId: 'gone', scheduledFor: 1 }, { priority: 1 });
    const done = await poller.until(job.id!, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'unknown_source' });
  });
});

describe('one poll of a source at a time', () => {
  /** Yields when the test lets it, and counts how many run side by side. */
  const gated = () => {
    const gate = createGate();
    const seen = { running: 0, most: 0 };
    const script: Script = async function* ({ signal }) {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      await gate.wait(signal);
      seen.running -= 1;
      yield page(readings(0, 1));
    };
    return { script, seen, open: gate.open };
  };

  it('holds over several pollers: a second poll, added past the deduplication, is coalesced', async () => {
    await using poller = await openPollerBundle();
    const { script, seen, open } = gated();
    poller.script = script;
    await poller.startPoller();
    await poller.startPoller();
    const first = await poller.poll();
    await waitUntil('the first poll to fetch', () => seen.running === 1);
    expect(await poller.claimedBy()).toBe(first);
    // As Retry of a failed poll in Bull Board does it.
    const second = await poller.polls.add('poll', { sourceId, scheduledFor: 1 }, { priority: 3 });
    expect((await poller.until(second.id!, 'completed')).returnvalue).toEqual({ outcome: 'coalesced' });
    expect(await poller.claimedBy()).toBe(first);
    open();
    expect((await poller.until(first, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 1 });
    expect(seen.most).toBe(1);
    expect(await poller.claimedBy()).toBeNull();
  });

  it('lets the same job take over the claim of its killed run, and no other job', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 1)));
    const claim = fleetKeys(poller.keyPrefix).running(sourceId);
    await poller.redis.set(claim, `${sourceId}.7`, 'PX', 60_000);
    await poller.startPoller();
    expect((await poller.pollOnce(6)).returnvalue).toEqual({ outcome: 'coalesced' });
    expect((await poller.pollOnce(7)).returnvalue).toEqual({ outcome: 'ok', records: 1 });
    expect(await poller.claimedBy()).toBeNull();
  });
});

describe('a poll that is too early', () => {
  const twoPages = (error: () => Error): Script =>
    async function* ({ position }) {
      if (position === null) yield page(readings(0, 10), { next: 2 });
      if (position === null) throw error();
      yield page(readings(10, 10));
    };

  it('keeps what it has, is delayed without an attempt and goes on at its page', async () => {
    await using poller = await openPollerBundle();
    poller.script = twoPages(() => new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 }));
    await poller.startPoller();
    const jobId = await poller.poll();
    const delayed = await poller.until(jobId, 'delayed');
    expect(delayed.delay).toBeGreaterThan(50_000);
    expect(delayed.attemptsMade).toBe(0);
    expect(await poller.stored()).toHaveLength(10);
    expect(await poller.claimedBy()).toBeNull();
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'deferred', records: 10 });
    // While it is delayed, a tick adds nothing.
    expect(await poller.polls.getDeduplicationJobId(sourceId)).toBe(jobId);

    await delayed.promote();
    const done = await poller.until(jobId, 'completed');
    expect(done.returnvalue).toEqual({ outcome: 'ok', records: 20 });
    expect(poller.calls.map((call) => call.position)).toEqual([null, { next: 2 }]);
    expect(await poller.stored()).toHaveLength(20);
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(1);
    expect(await poller.value('polls_total', { outcome: 'ok' })).toBe(1);
    expect(await poller.position()).toBeNull();
  });

  it('after a 429 that names no time waits a minute at least', async () => {
    await using poller = await openPollerBundle();
    poller.script = twoPages(() => new StreamManagerError('rate_limited', 'answered 429'));
    await poller.startPoller();
    const delayed = await poller.until(await poller.poll(), 'delayed');
    expect(delayed.delay).toBeGreaterThan(50_000);
    expect(await poller.value('polls_total', { outcome: 'rate_limited' })).toBe(1);
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'rate_limited', error: 'answered 429' });
  });
});

describe('a poll that fails', () => {
  const failing: Script = async function* ({ position }) {
    if (position === null) {
      yield page(readings(0, 10), 2);
      throw new StreamManagerError('response_unreadable', 'cut off while sending topsecret-token');
    }
    yield page(readings(10, 10));
  };

  it('keeps its reason without secrets, and its position for the next one', async () => {
    await using poller = await openPollerBundle();
    poller.script = failing;
    await poller.startPoller();
    const job = await poller.pollOnce();
    expect(job.failedReason).toBe('cut off while sending ***');
    expect(JSON.stringify(job.stacktrace)).not.toContain('topsecret');
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'failed', records: 10, error: 'cut off while sending ***' });
    expect(await poller.value('polls_total', { outcome: 'failed' })).toBe(1);
    expect(await poller.claimedBy()).toBeNull();
    expect(await poller.polls.getDeduplicationJobId(sourceId)).toBeNull();
  });

  it('is gone on with by the next poll, which then polls its own pages', async () => {
    await using poller = await openPollerBundle();
    poller.script = failing;
    const now = Date.now();
    await poller.startPoller();
    await poller.pollOnce(now - 30_000);
    poller.script = async function* ({ position }) {
      if (position === null) yield page(readings(20, 5), 2);
      yield page(readings(10, 10));
    };
    const next = await poller.pollOnce(now);
    expect(next.returnvalue).toEqual({ outcome: 'ok', records: 15 });
    expect(poller.calls).toEqual([
      { position: null, scheduledFor: now - 30_000 },
      { position: 2, scheduledFor: now - 30_000 },
      { position: null, scheduledFor: now },
    ]);
    expect(await poller.position()).toBeNull();
  });

  it('never keeps a source from its first pages: the rest of an earlier poll that fails again is given up', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* ({ position }) {
      if (position === null) yield page(readings(0, 1), 2);
      throw new StreamManagerError('response_unreadable', 'page 2 is no JSON');
    };
    const now = Date.now();
    await poller.startPoller();
    await poller.pollOnce(now - 30_000);
    await poller.pollOnce(now);
    expect(poller.calls.map((call) => call.position)).toEqual([null, 2, null]);
  });

  it('is not gone on with after its source was stopped, unless a person asks for a poll', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    poller.script = onePage(page(readings(0, 1)));
    await poller.states.setPolls(sourceId, 'stopped');
    expect((await poller.pollOnce(1)).returnvalue).toEqual({ outcome: 'not_running' });
    expect(poller.calls).toEqual([]);
    await addPoll(poller.polls, { sourceId, scheduledFor: 2, priority: 1, isRequested: true });
    expect((await poller.until(`${sourceId}.2`, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 1 });
  });

  it('forgets the position of a poll that reached its last page', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    poller.script = async function* ({ position }) {
      if (position === null) yield page(readings(0, 5), 2);
      yield page(readings(5, 5), null);
    };
    await poller.pollOnce(1);
    expect(await poller.position()).toBeNull();
    await poller.pollOnce(2);
    expect(poller.calls.map((call) => call.position)).toEqual([null, null]);
  });

  it('does not go on at a position that is too old', async () => {
    await using poller = await openPollerBundle();
    await poller.cursors.writePosition(sourceId, { scheduledFor: Date.now() - 11 * 60_000, position: 2, records: 5 });
    poller.script = onePage(page(readings(0, 1)));
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: 1 });
    expect(poller.calls.map((call) => call.position)).toEqual([null]);
    expect(await poller.position()).toBeNull();
  });
});

describe('an answer most of whose rows are no records', () => {
  const bad = (count: number): readonly InvalidRow[] =>
    Array.from({ length: count }, (_value, index) => ({
      raw: `row ${index} topsecret-token`,
      reason: 'column_count',
      message: 'row: expected 14 values, found 1',
    }));

  it('fails the poll as format_changed; nothing of it is taken, and the next tick tries again', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 9), 2, bad(11)), page(readings(50, 1)));
    await poller.startPoller();
    const job = await poller.pollOnce(1);
    expect(job.failedReason).toContain('11 of 20 rows read of the answer are no records');
    expect(job.failedReason).toContain('in the row "row 2 ***"');
    expect(await poller.stored()).toEqual([]);
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(0);
    expect(await poller.position()).toBeNull();
    expect(await poller.redis.exists(sourceKeys(poller.keyPrefix, sourceId).seen0)).toBe(0);
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'failed', records: 0, error: job.failedReason });
    expect(await poller.value('records_invalid_total')).toBe(0);
    // As soon as more of it is good, all of it is taken, the bad rows as letters without the secret.
    poller.script = onePage(page(readings(0, 11), null, bad(9)));
    expect((await poller.pollOnce(2)).returnvalue).toEqual({ outcome: 'ok', records: 11 });
    const letters = await poller.letters.getJobs(['waiting']);
    expect(letters).toHaveLength(9);
    expect(JSON.stringify(letters.map((letter) => letter.data))).not.toContain('topsecret');
  });

  it('counts records that cannot be stored, and leaves an answer of less than twenty rows alone', async () => {
    await using poller = await openPollerBundle();
    const unusable = (index: number) => reading(index, { data: { stationId: `S${index}`, temperatureC: Number.NaN } });
    poller.script = onePage(page(Array.from({ length: 20 }, (_value, index) => unusable(index))));
    await poller.startPoller();
    expect((await poller.pollOnce(1)).failedReason).toContain('20 of 20 rows');
    poller.script = onePage(page([], null, bad(19)));
    expect((await poller.pollOnce(2)).returnvalue).toEqual({ outcome: 'ok', records: 0 });
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(19);
  });

  it('judges no page that is a part of an answer: its source has', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage({ ...page([], null, bad(30)), isPart: true });
    await poller.startPoller();
    expect((await poller.pollOnce(1)).returnvalue).toEqual({ outcome: 'ok', records: 0 });
  });
});

describe('a poller that stops', () => {
  const hangs: Script = async function* ({ position, signal }) {
    if (position === null) yield page(readings(0, 10), 2);
    await createGate().wait(signal);
  };

  it('ends the running fetch and hands the poll back without an attempt; another poller goes on', async () => {
    await using poller = await openPollerBundle();
    poller.script = hangs;
    const first = await poller.startPoller();
    const jobId = await poller.poll();
    await waitUntil('the first page to be in', async () => (await poller.position()) !== null);
    await first.stop();
    await first.stop();
    const job = await poller.until(jobId, 'prioritized');
    expect(job.attemptsMade).toBe(0);
    expect(await poller.claimedBy()).toBeNull();
    expect(await poller.value('polls_total', { outcome: 'failed' })).toBe(0);
    poller.script = onePage(page(readings(10, 10)));
    await poller.startPoller();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 20 });
    expect(poller.calls.map((call) => call.position)).toEqual([null, 2]);
    expect(await poller.stored()).toHaveLength(20);
  });

  it('stops before it was started; a start after that takes no job', async () => {
    await using poller = await openPollerBundle();
    const stopped = poller.compose();
    await stopped.stop();
    await stopped.start(new AbortController().signal);
    await stopped.stop();
    const jobId = await poller.poll();
    expect(await poller.polls.getJobState(jobId)).toBe('prioritized');
    expect(await poller.polls.getWorkersCount()).toBe(0);
  });
});

describe('a poll whose job was given to another worker', () => {
  it('ends its fetch and touches neither job nor claim', async () => {
    await using poller = await openPollerBundle({}, { polling: { concurrency: 1 } });
    const ended = Promise.withResolvers<void>();
    poller.script = async function* ({ signal }) {
      signal.addEventListener('abort', () => ended.resolve());
      await createGate().wait(signal);
      yield page(readings(0, 1));
    };
    await poller.startPoller();
    const jobId = await poller.poll();
    await waitUntil('the claim', () => poller.claimedBy());
    // What BullMQ's stalled check and the next worker leave behind.
    const lock = `${poller.polls.toKey(jobId)}:lock`;
    await poller.redis.set(lock, 'another worker', 'PX', 60_000);
    await ended.promise;
    // With one slot, another job runs only after this poll has let its slot go.
    const other = await poller.polls.add('poll', { sourceId: 'gone', scheduledFor: 1 }, { priority: 1 });
    await poller.until(other.id!, 'completed');
    expect(await poller.polls.getJobState(jobId)).toBe('active');
    expect(await poller.claimedBy()).toBe(jobId);
    expect(await poller.value('polls_total', { outcome: 'failed' })).toBe(0);
  });
});

describe('a poll that hangs', () => {
  it('is given up and named in /readyz, and its job goes on in another run, which takes the claim over', async () => {
    await using poller = await openPollerBundle({}, { polling: { concurrency: 1 } }, { hangLimitMs: 400 });
    const stuck = Promise.withResolvers<void>();
    poller.script = async function* () {
      if (poller.calls.length === 1) {
        yield page(readings(0, 5), 2);
        await stuck.promise;
        yield page(readings(90, 5));
      } else yield page(readings(5, 5));
    };
    poller.health.setPhase('ready');
    await poller.startPoller();
    const jobId = await poller.poll();
    await waitUntil('the poll to be given up', () => !poller.health.report().ready);
    expect(poller.health.report().problems).toEqual({ 'hung-polls': `no progress, given up: poll of ${sourceId}` });
    const job = await waitUntil(
      'the stalled check to hand the job on',
      async () => (await poller.polls.getJobState(jobId)) === 'completed' && poller.polls.getJob(jobId),
      { timeoutMs: 60_000 },
    );
    expect(job.returnvalue).toEqual({ outcome: 'ok', records: 10 });
    expect(job.attemptsMade).toBe(1);
    expect(poller.calls.map((call) => call.position)).toEqual([null, 2]);
    expect(poller.health.report().ready).toBe(false);
    // Whatever comes of the first run at last, it stores nothing any more.
    stuck.resolve();
    await waitUntil('the first run to end', () => poller.health.report().ready);
    expect(await poller.stored()).toHaveLength(10);
    expect(await poller.claimedBy()).toBeNull();
    expect(await poller.position()).toBeNull();
  });

  it('is one that shows nothing at all: pages and pieces of answers keep it alive', async () => {
    await using poller = await openPollerBundle({}, {}, { hangLimitMs: 400 });
    let index = 0;
    const until = performance.now() + 1200;
    poller.script = async function* () {
      while (performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield page(readings(index++, 1), index);
      }
    };
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toEqual({ outcome: 'ok', records: index });
    expect(poller.health.report().problems).toEqual({});
  });
});

describe('a source at the limit of its dead letters', () => {
  const row = (raw: string): InvalidRow => ({ raw, reason: 'not_a_number', message: 'no number' });

  it('is not polled, says so, and goes on by itself when one of them is gone', async () => {
    await using poller = await openPollerBundle({}, { delivery: { deadLetters: { maxRecords: 2 } } });
    poller.script = onePage(page(readings(0, 3), null, [row('a'), row('b'), row('c')]));
    await poller.startPoller();
    const jobId = await poller.poll(1);
    await poller.until(jobId, 'delayed');
    const full = '2 dead letters of 2 allowed (delivery.deadLetters.maxRecords)';
    const last = async () => (await poller.states.read([sourceId])).get(sourceId)!.lastPoll;
    expect(await last()).toMatchObject({ outcome: 'deferred', records: 3, error: expect.stringContaining(full) });
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(2);

    await (await poller.until(jobId, 'delayed')).promote();
    await waitUntil('the second look', async () => (await last())?.records === 0);
    const delayed = await poller.until(jobId, 'delayed');
    expect(await last()).toMatchObject({ outcome: 'deferred', error: expect.stringContaining(full) });
    expect(delayed.attemptsMade).toBe(0);
    expect(poller.calls).toHaveLength(1);

    const [letter] = await poller.letters.getJobs(['waiting']);
    await letter!.remove();
    await delayed.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 3 });
    const raws = (await poller.letters.getJobs(['waiting'])).map(({ data }) => data.raw);
    expect(new Set([...raws, letter!.data.raw])).toEqual(new Set(['a', 'b', 'c']));
    expect(raws).toHaveLength(2);
    expect(await poller.stored()).toHaveLength(3);
  });
});

describe('a job that this version does not know', () => {
  it('fails and says why', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    const job = await poller.polls.add('repaint', { sourceId }, { priority: 1 });
    const failed = await poller.until(job.id!, 'failed');
    expect(failed.failedReason).toContain('knows no job named "repaint"');
  });
});
