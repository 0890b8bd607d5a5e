import type { PollJobData } from '@stream-manager/shared/jobs/payloads';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import type { Envelope } from '@stream-manager/shared/records/envelope';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import type { Page } from '../src/sources/source.ts';
import { onePage, openPollerBundle, type PollerBundle, page, reading, readings, sourceId } from './poller-bundle.ts';

/** A queue of 60 records, 10 of them for critical ones, in chunks of 20. */
const small = (changes: Readonly<Record<string, unknown>> = {}) => ({
  queue: { maxRecords: 60, criticalReserve: 10, chunkSize: 20, admitWaitMs: 100, ...changes },
});

const oldestChunk = async (poller: PollerBundle): Promise<string> => {
  const [oldest] = await poller.records.getPrioritized(0, 0);
  return oldest!.id!;
};

/** As a producer does it: settle, then the job is gone. */
const publish = async (poller: PollerBundle): Promise<void> => {
  const chunkId = await oldestChunk(poller);
  await poller.store.settle(sourceId, chunkId, null, 20);
  await poller.records.remove(chunkId);
};

const total = async (poller: PollerBundle): Promise<number> =>
  (await poller.store.counts([sourceId])).get(sourceId)!.total;

describe('a full queue', () => {
  it('makes a poll wait for room, and goes on as room appears', async () => {
    await using poller = await openPollerBundle(small({ admitWaitMs: 60_000 }));
    poller.script = onePage(page(readings(0, 100)));
    await poller.startPoller();
    const jobId = await poller.poll();
    await waitUntil('two chunks', async () => (await poller.records.getJobCountByTypes('prioritized')) === 2);
    const seen: unknown[] = [];
    for (let published = 0; published < 3; published += 1) {
      seen.push(...(await poller.stored()).slice(0, 20));
      await publish(poller);
      await waitUntil('the next chunk', async () => (await poller.records.getJobCountByTypes('prioritized')) === 2);
      expect(await total(poller)).toBe(40);
    }
    seen.push(...(await poller.stored()));
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 100 });
    expect(new Set(seen.map((envelope) => JSON.stringify(envelope))).size).toBe(100);
    expect(poller.calls).toHaveLength(1);
  });

  it('gives the slot back after admitWaitMs without progress: delayed for a period, the position not moved', async () => {
    await using poller = await openPollerBundle(small());
    poller.script = onePage(page(readings(0, 70), 2), page(readings(70, 10)));
    await poller.startPoller();
    const jobId = await poller.poll();
    const delayed = await poller.until(jobId, 'delayed');
    // The period is 30 s: a fetch costs the provider's quota.
    expect(delayed.delay).toBeGreaterThan(25_000);
    expect(delayed.attemptsMade).toBe(0);
    expect(await total(poller)).toBe(40);
    expect(await poller.position()).toMatchObject({ position: null, records: 40 });
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(1);
    expect(await poller.claimedBy()).toBeNull();

    await publish(poller);
    await publish(poller);
    await delayed.promote();
    await waitUntil('the rest of the page', async () => (await total(poller)) === 40);
    const done = await poller.until(jobId, 'completed');
    // The page was fetched again from its beginning; what was in was known.
    expect(done.returnvalue).toEqual({ outcome: 'ok', records: 80 });
    expect(poller.calls.map((call) => call.position)).toEqual([null, null]);
    const stations = (await poller.stored()).map((envelope) => envelope.data['stationId']);
    expect(new Set(stations).size).toBe(40);
    expect(stations).toContain('S79');
    expect(stations).not.toContain('S39');
  });

  it('lets in what is critical behind the page that finds no room, each record once and in its last form', async () => {
    await using poller = await openPollerBundle(small({ admitWaitMs: 60_000 }), {
      routing: { rules: [{ when: { field: 'temperatureC', above: 40 }, priority: 'critical' }] },
    });
    const hot = (index: number, temperatureC: number) =>
      reading(index, { data: { stationId: `S${index}`, temperatureC } });
    const pages = [
      page(readings(0, 70), 1),
      // S101 is critical in its last form only; what stood before it must not come after it.
      page([...readings(70, 5), hot(100, 41), reading(101)], 2),
      page([hot(101, 42), ...readings(75, 5), hot(102, 43)]),
    ];
    const from = (at: number): Page[] =>
      pages.slice(at).map((one, offset) => ({
        ...one,
        isPart: true,
        ...(at + offset + 1 < pages.length
          ? { ahead: () => onePage(...from(at + offset + 1))(undefined as never) }
          : {}),
      }));
    poller.script = onePage(...from(0));
    await poller.startPoller();
    const jobId = await poller.poll();
    // 40 of the first page, and the three for which the reserve is open.
    await waitUntil('the critical ones', async () => (await total(poller)) === 43);
    const critical = (await poller.stored()).filter(({ priority }) => priority === 'critical');
    expect(critical.map(({ data }) => data['temperatureC'])).toEqual([41, 42, 43]);
    const published: Envelope[] = [];
    while ((await total(poller)) > 0) {
      const chunk = await oldestChunk(poller);
      const held = await poller.stored();
      await poller.store.settle(sourceId, chunk, null, 20);
      await poller.records.remove(chunk);
      const left = new Set((await poller.stored()).map(({ id }) => id));
      published.push(...held.filter(({ id }) => !left.has(id)));
      await waitUntil('more, or the end', async () => {
        return (await poller.records.getPrioritizedCount()) > 0 || (await poller.polls.getCompletedCount()) > 0;
      });
    }
    expect((await poller.until(jobId, 'completed')).returnvalue).toEqual({ outcome: 'ok', records: 83 });
    expect(published.map(({ data }) => String(data['stationId'])).toSorted()).toEqual(
      [...readings(0, 80), ...readings(100, 3)].map(({ data }) => String(data['stationId'])).toSorted(),
    );
    expect(await poller.value('records_duplicate_total')).toBe(0);
    expect(poller.calls).toHaveLength(1);
  });

  it('lets critical records into what is kept for them, however many come in one answer', async () => {
    await using poller = await openPollerBundle(small(), {
      routing: { rules: [{ when: { field: 'temperatureC', above: 40 }, priority: 'critical' }] },
    });
    const hot = (index: number) => reading(index, { data: { stationId: `S${index}`, temperatureC: 41 } });
    poller.script = onePage(page(readings(0, 60)));
    await poller.startPoller();
    await poller.until(await poller.poll(), 'delayed');
    expect(await total(poller)).toBe(40);
    // More than a chunk holds, and than there is room for at once: ten at a time.
    const [waiting] = await poller.polls.getDelayed();
    poller.script = onePage(page(Array.from({ length: 25 }, (_row, index) => hot(100 + index))));
    await waiting?.promote();
    await waitUntil('the places of the reserve to be taken', async () => (await total(poller)) === 60);
    expect((await poller.store.counts([sourceId])).get(sourceId)?.byPriority[1]).toBe(20);
  });

  it('does not hold up a poller that stops: what is in stays, the poll is handed back', async () => {
    await using poller = await openPollerBundle(small({ admitWaitMs: 60_000 }));
    poller.script = onePage(page(readings(0, 100)));
    const worker = await poller.startPoller();
    const jobId = await poller.poll();
    await waitUntil('two chunks', async () => (await poller.records.getJobCountByTypes('prioritized')) === 2);
    await worker.stop();
    expect((await poller.until(jobId, 'prioritized')).attemptsMade).toBe(0);
    expect(await total(poller)).toBe(40);
    expect(await poller.claimedBy()).toBeNull();
  });

  it('still lets critical records in, up to its end', async () => {
    await using poller = await openPollerBundle(small());
    await poller.startPoller();
    poller.script = onePage(page(readings(0, 40)));
    await poller.pollOnce(1);
    const urgent = readings(100, 15).map((record) => ({
      ...record,
      type: 'weather-alert' as const,
      data: { ...record.data, severity: 'Extreme' },
    }));
    poller.script = onePage(page([...readings(40, 20), ...urgent]));
    await poller.until(await poller.poll(2), 'delayed');
    const counts = (await poller.store.counts([sourceId])).get(sourceId)!;
    expect(counts).toMatchObject({ total: 55, byPriority: { 1: 15, 3: 40 } });
  });

  it('with keepDropped makes dead letters of what it drops, in the same poll', async () => {
    await using poller = await openPollerBundle(small({ overflow: 'drop_oldest', keepDropped: true }));
    poller.script = onePage(page(readings(0, 100)));
    await poller.startPoller();
    expect((await poller.pollOnce()).returnvalue).toMatchObject({ outcome: 'ok' });
    const letters = await poller.letters.getJobs(['waiting', 'failed']);
    expect(letters.filter(({ name }) => name === 'dropped')).toHaveLength(60);
    expect(await poller.value('dead_letters_total', { code: 'dropped' })).toBe(60);
    const kept = letters.map(({ data }) => (data.record as { readonly id: string }).id);
    const stored = (await poller.stored()).map(({ id }) => id);
    expect(new Set([...kept, ...stored]).size).toBe(100);
  });

  it.each([
    { name: 'number', limits: { maxRecords: 30 }, least: 15, most: 15 },
    { name: 'size', limits: { maxBytes: 65_536 }, least: 10, most: 200 },
  ])('with keepDropped fills half of the $name of dead letters at most, so that it goes on polling', async (row) => {
    await using poller = await openPollerBundle(small({ overflow: 'drop_oldest', keepDropped: true }), {
      delivery: { deadLetters: row.limits },
    });
    await poller.startPoller();
    for (const [poll, from] of [1_000, 2_000, 3_000].entries()) {
      poller.script = onePage(page(readings(from, 100)));
      expect((await poller.pollOnce(poll + 1)).returnvalue).toMatchObject({ outcome: 'ok' });
    }
    expect(poller.calls).toHaveLength(3);
    const letters = await poller.letters.getJobCountByTypes('waiting', 'failed');
    expect(letters).toBeGreaterThanOrEqual(row.least);
    expect(letters).toBeLessThanOrEqual(row.most);
    // The freshest of the last poll.
    const ids = (await poller.stored()).map((envelope) => envelope.data['stationId']);
    expect(ids).toContain('S3099');
  });

  it.each([
    { overflow: 'reject', reason: 'rejected', kept: 'S0', records: 40 },
    { overflow: 'drop_oldest', reason: 'evicted', kept: 'S99', records: 40 },
  ])('with $overflow goes on polling, and counts what was dropped', async ({ overflow, reason, kept, records }) => {
    await using poller = await openPollerBundle(small({ overflow }));
    poller.script = onePage(page(readings(0, 100)));
    await poller.startPoller();
    const job = await poller.pollOnce();
    expect(job.returnvalue).toMatchObject({ outcome: 'ok' });
    expect(await poller.value('records_dropped_total', { priority: 'normal', reason })).toBe(60);
    const stored = await poller.stored();
    expect(stored).toHaveLength(records);
    expect(stored.map((envelope) => envelope.data['stationId'])).toContain(kept);
    // No job is left without its chunk.
    expect(await poller.records.getJobCountByTypes('prioritized')).toBe(2);
  });

  it('holds half of the slots at most: a further poll gives its slot back at once, and other sources are polled', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const source = (port: number) => ({
      type: 'noaa-stations',
      baseUrl: `http://127.0.0.1:${port}`,
      params: { stations: ['KSFO'] },
      ...small({ admitWaitMs: 60_000 }),
    });
    const sources = Object.fromEntries([...names, 'free'].map((name, at) => [name, source(at + 1)]));
    await using poller = await openPollerBundle({}, { sources, polling: { concurrency: 4 } });
    poller.script = (poll) => onePage(page(readings(0, poll.source.id === 'free' ? 40 : 100)))(poll);
    await poller.startPoller();
    for (const name of names) await addPoll(poller.polls, { sourceId: name, scheduledFor: 1, priority: 3 });
    const marks = await waitUntil('all but two to be delayed', async () => {
      const jobs = await poller.polls.getDelayed();
      return jobs.length === 3 && jobs.map((job) => (job.data as PollJobData).delayed);
    });
    const reason = expect.stringContaining("half of the poller's slots wait for room already");
    expect(marks).toEqual(marks.map(() => expect.objectContaining({ by: 'room', reason })));
    for (const tick of [1, 2, 3]) {
      await addPoll(poller.polls, { sourceId: 'free', scheduledFor: tick, priority: 3 });
      expect((await poller.until(`free.${tick}`, 'completed')).returnvalue).toMatchObject({ outcome: 'ok' });
    }
    expect(await poller.polls.getJobCountByTypes('active')).toBe(2);
  });
});
