import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { longestCursorBytes } from '@stream-manager/shared/queues/cursor-store';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import type { Page } from '../src/sources/source.ts';
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

/** A tick half a minute before another, as of now. */
const second = Date.now();
const first = second - 30_000;

const withCursor = (of: Page, cursor: unknown): Page => ({ ...of, cursor });
const state = async (poller: Awaited<ReturnType<typeof openPollerBundle>>) =>
  (await poller.states.read([sourceId])).get(sourceId)!;

describe('the cursor of a source', () => {
  it('is what the last page gave, and the end of the time that was asked for; the next poll goes on from both', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* ({ position }) {
      if (position === null) yield withCursor(page(readings(0, 5), 2), 'early');
      yield withCursor(page(readings(5, 5)), { seen: 9 });
    };
    await poller.startPoller();
    await poller.pollOnce(first);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: { seen: 9 }, untilMs: first, by: 'poll' });
    poller.script = onePage(page([]));
    await poller.pollOnce(second);
    expect(poller.asked).toEqual([
      { cursor: null, window: { sinceMs: null, untilMs: first } },
      { cursor: { seen: 9 }, window: { sinceMs: first, untilMs: second } },
    ]);
    // A pass that gives none keeps the one that is there.
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: { seen: 9 }, untilMs: second });
  });

  it('moves after the last page only; a pass that was cut off goes on at its page, with the same time and the same cursor', async () => {
    await using poller = await openPollerBundle();
    await poller.cursors.write(sourceId, 0, { value: 'old', untilMs: 5 });
    poller.script = async function* ({ position }) {
      if (position === null) yield withCursor(page(readings(0, 10), { next: 2 }), 'new');
      if (position === null) throw new StreamManagerError('rate_limited', 'answered 429', { retryAfterMs: 60_000 });
      yield page(readings(10, 10));
    };
    await poller.startPoller();
    const jobId = await poller.poll(first);
    const delayed = await poller.until(jobId, 'delayed');
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: 'old', version: 1 });
    await delayed.promote();
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 20 });
    const asked = { cursor: 'old', window: { sinceMs: 5, untilMs: first } };
    expect(poller.asked).toEqual([asked, asked]);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: 'new', untilMs: first, version: 2 });
    expect((await state(poller)).answers).toMatchObject({ rows: 20 });
  });

  it('stays where it is when a poll fails, and the rest of that poll goes before the next one’s pages', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* ({ position }) {
      if (position === null) yield withCursor(page(readings(0, 1), 2), 'lost');
      throw new StreamManagerError('response_unreadable', 'page 2 is no JSON');
    };
    await poller.startPoller();
    await poller.pollOnce(first);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ version: 0 });
    poller.script = async function* ({ position }) {
      yield withCursor(page(readings(1, 1)), position === null ? 'b' : 'a');
    };
    await poller.pollOnce(second);
    expect(poller.asked.slice(1)).toEqual([
      { cursor: null, window: { sinceMs: null, untilMs: first } },
      { cursor: 'a', window: { sinceMs: first, untilMs: second } },
    ]);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: 'b', untilMs: second, version: 2 });
  });

  it.each([
    { name: 'reset', value: null, sinceMs: null },
    { name: 'set', value: 'by hand', sinceMs: null },
  ])(
    'that an operator $name while a pass runs stays as he left it, and the next poll goes on from there',
    async ({ name, value, sinceMs }) => {
      await using poller = await openPollerBundle();
      const gate = createGate();
      poller.script = async function* ({ signal }) {
        yield page(readings(0, 5), 2);
        await gate.wait(signal);
        yield withCursor(page(readings(5, 5)), 'from the pass');
      };
      await poller.startPoller();
      const jobId = await poller.poll(first);
      await waitUntil('the first page to be in', () => poller.position());
      if (name === 'reset') await poller.cursors.reset(sourceId, 'ann');
      else await poller.cursors.set(sourceId, { value }, 'ann');
      gate.open();
      expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 10 });
      expect(await poller.cursors.read(sourceId)).toMatchObject({ value, untilMs: null, by: 'ann', version: 1 });
      expect(await poller.position()).toBeNull();
      await poller.pollOnce(second);
      expect(poller.asked[1]).toEqual({ cursor: value, window: { sinceMs, untilMs: second } });
    },
  );

  it('that was reset ends a pass that was cut off before: its page belongs to what was asked for then', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* () {
      yield page(readings(0, 5), 2);
      throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
    };
    await poller.startPoller();
    const jobId = await poller.poll(first);
    const delayed = await poller.until(jobId, 'delayed');
    await poller.cursors.reset(sourceId, 'ann');
    poller.script = onePage(page(readings(0, 10)));
    await delayed.promote();
    await poller.until(jobId, 'completed');
    expect(poller.calls.map(({ position }) => position)).toEqual([null, null]);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ untilMs: first, by: 'poll', version: 2 });
  });

  it('stays when what the source asks for is another thing now; a page of what it asked for before is not gone on with', async () => {
    await using poller = await openPollerBundle();
    await poller.cursors.write(sourceId, 0, { value: 'old', untilMs: 5 });
    poller.script = async function* () {
      yield page(readings(0, 5), 2);
      throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
    };
    const before = await poller.startPoller();
    const jobId = await poller.poll(first);
    const delayed = await poller.until(jobId, 'delayed');
    await before.stop();
    poller.script = onePage(page(readings(0, 10)));
    await poller.startPoller({ params: { stations: ['KSFO', 'KOAK'] } });
    await delayed.promote();
    await poller.until(jobId, 'completed');
    expect(poller.calls.map(({ position }) => position)).toEqual([null, null]);
    expect(poller.asked[1]).toEqual({ cursor: 'old', window: { sinceMs: 5, untilMs: first } });
  });

  it('is gone on with from its page when only the way it is polled is another one now', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* () {
      yield page(readings(0, 5), 2);
      throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
    };
    const before = await poller.startPoller();
    const jobId = await poller.poll(first);
    const delayed = await poller.until(jobId, 'delayed');
    await before.stop();
    poller.script = onePage(page(readings(5, 5)));
    await poller.startPoller({ every: '60s', priority: 'high', headers: { 'X-Token': 'another-token' } });
    await delayed.promote();
    await poller.until(jobId, 'completed');
    expect(poller.calls.map(({ position }) => position)).toEqual([null, 2]);
  });

  it('never lies in the future: a tick by a clock that is ahead asks for no time that has not come', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 5)));
    await poller.startPoller();
    const at = Date.now();
    await poller.pollOnce(at + 10 * 60_000);
    const { untilMs } = await poller.cursors.read(sourceId);
    expect(untilMs).toBeGreaterThanOrEqual(at);
    expect(untilMs).toBeLessThanOrEqual(Date.now());
    // By right clocks again: nothing is left out.
    const next = Date.now() + 500;
    await poller.pollOnce(next);
    expect(poller.asked.map(({ window }) => window)).toEqual([
      { sinceMs: null, untilMs },
      { sinceMs: untilMs, untilMs: next },
    ]);
  });

  it('of more than 64 KiB fails the poll; its records are in, and the cursor is what it was', async () => {
    await using poller = await openPollerBundle();
    await poller.cursors.write(sourceId, 0, { value: 'old', untilMs: 5 });
    poller.script = onePage(withCursor(page(readings(0, 3)), 'x'.repeat(longestCursorBytes)));
    await poller.startPoller();
    const job = await poller.pollOnce(first);
    expect(job.failedReason).toContain('the cursor of stations has 65538 bytes as JSON, more than 65536');
    expect(await poller.stored()).toHaveLength(3);
    expect(await poller.cursors.read(sourceId)).toMatchObject({ value: 'old', version: 1 });
  });

  it('stays where it is when a full queue refused newcomers, so that the next poll brings them again', async () => {
    const queue = { maxRecords: 60, criticalReserve: 10, chunkSize: 20, overflow: 'reject' };
    await using poller = await openPollerBundle({}, { queue });
    poller.script = onePage(withCursor(page(readings(0, 100)), 'beyond'));
    await poller.startPoller();
    expect((await poller.pollOnce(first)).returnvalue).toEqual({ outcome: 'ok', records: 40 });
    expect(await poller.cursors.read(sourceId)).toMatchObject({ version: 0 });
    expect(await poller.position()).toBeNull();
    // What lies in the queue is gone, as if it had been published.
    const { index, count } = sourceKeys(poller.keyPrefix, sourceId);
    await poller.redis.del(index, count);
    await poller.pollOnce(second);
    expect(poller.asked[1]).toEqual({ cursor: null, window: { sinceMs: null, untilMs: second } });
    expect(await poller.stored()).toHaveLength(40);
  });
});

describe('an answer that brings nothing new', () => {
  const unchanged = (how: 'not_modified' | 'cached', position: unknown = null): Page => ({
    ...page([], position),
    unchanged: how,
  });
  const pages = (...given: readonly Page[]): Script => onePage(...given);

  it.each([
    { name: 'the provider says so', script: pages(unchanged('not_modified')), outcome: 'not_modified' },
    { name: 'the cache knows', script: pages(unchanged('cached', 2), unchanged('cached')), outcome: 'cached' },
    {
      name: 'the cache and the provider say so',
      script: pages(unchanged('cached', 2), unchanged('not_modified')),
      outcome: 'not_modified',
    },
    { name: 'all rows are known', script: pages(page([]), page([])), outcome: 'ok' },
    { name: 'only some of it is', script: pages(unchanged('cached', 2), page([])), outcome: 'ok' },
  ])('has the outcome $outcome when $name', async ({ script, outcome }) => {
    await using poller = await openPollerBundle();
    poller.script = script;
    await poller.startPoller();
    expect((await poller.pollOnce(first)).returnvalue).toEqual({ outcome, records: 0 });
    expect((await state(poller)).lastPoll).toMatchObject({ outcome, records: 0 });
    expect(await poller.value('polls_total', { outcome })).toBe(1);
    // The time it asked for is over all the same.
    expect(await poller.cursors.read(sourceId)).toMatchObject({ untilMs: first });
  });

  it('changes neither what is newest nor how many rows there were', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page(readings(0, 7), null, [{ raw: 'x', reason: 'not_a_number', message: 'found x' }]));
    await poller.startPoller();
    await poller.pollOnce(first);
    const before = (await state(poller)).answers!;
    expect(before).toMatchObject({ rows: 8, newestObservedAtMs: reading(6).observedAtMs });
    poller.script = onePage(unchanged('not_modified'));
    await poller.pollOnce(second);
    const { answeredAtMs, ...after } = (await state(poller)).answers!;
    expect({ ...after, answeredAtMs: before.answeredAtMs }).toEqual({ ...before, spanMs: second - first });
    expect(answeredAtMs).toBeGreaterThanOrEqual(before.answeredAtMs);
  });
});

describe('what an answer was like', () => {
  it('is not told by half of a pass', async () => {
    await using poller = await openPollerBundle();
    poller.script = async function* () {
      yield page(readings(0, 5), 2);
      throw new StreamManagerError('response_unreadable', 'page 2 is no JSON');
    };
    await poller.startPoller();
    await poller.pollOnce(first);
    expect((await state(poller)).answers).toBeNull();
  });

  it('is not told by rows that were read twice after a cut inside one answer', async () => {
    await using poller = await openPollerBundle();
    const part = (of: Page): Page => ({ ...of, isPart: true });
    poller.script = async function* ({ position }) {
      yield part(page(readings(0, 5), { rows: 5 }));
      if (position === null) throw new StreamManagerError('budget_exhausted', 'used up', { retryAfterMs: 60_000 });
      yield part(page(readings(5, 5)));
    };
    await poller.startPoller();
    const jobId = await poller.poll(first);
    await (await poller.until(jobId, 'delayed')).promote();
    await poller.until(jobId, 'completed');
    expect((await state(poller)).answers).toMatchObject({ rows: null, newestObservedAtMs: reading(9).observedAtMs });
  });

  it('does not count an observation from the future: one wrong clock does not hide that the others are silent', async () => {
    await using poller = await openPollerBundle();
    const ahead = reading(9, { observedAtMs: Date.now() + 2 * 3_600_000 });
    poller.script = onePage(page([...readings(0, 2), ahead]));
    await poller.startPoller();
    await poller.pollOnce(first);
    expect((await state(poller)).answers).toMatchObject({ rows: 3, newestObservedAtMs: reading(1).observedAtMs });
  });
});
