// A row that is parsed again: what becomes of it, and that a kill between every two acts, each instant once, neither loses
// nor doubles anything.

import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import type { ReparseJobData } from '@stream-manager/shared/jobs/payloads';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { letterMark } from '@stream-manager/shared/queues/dead-letters/letter-mark';
import { reparseJobId, requestReparse } from '@stream-manager/shared/queues/poll-queue';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { chunkJobOptions, chunkLimits } from '@stream-manager/shared/queues/source-limits';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { createPolledSources } from '../src/polled-sources.ts';
import { createSourceQueues } from '../src/queues/source-queues.ts';
import { createReparseStage } from '../src/reparse.ts';
import type { Source } from '../src/sources/source.ts';
import { onePage, openPollerBundle, type PollerBundle, page, reading, readings, sourceId } from './poller-bundle.ts';

const letterId = 'AAAAAAAAAAAAAAAAAAAAAA-abcdef-0';
const letterAddedAt = 1_777_636_800_000;
const row: ReparseJobData = {
  sourceId,
  letterId,
  letterAddedAt,
  raw: 'S7,11',
  rawContext: 'station,temperature',
  code: 'invalid_row',
  replays: 0,
  pollId: 'stations.7',
  firstFailedAt: '2026-05-01T12:00:00.000Z',
};

/** What a parser of now makes of the row. */
const valid: Source['parseRow'] = () => reading(7);
const invalid: Source['parseRow'] = ({ raw }) => ({ raw, reason: 'not_a_number', message: 'found topsecret-token' });

const isMarked = async (poller: PollerBundle, id = letterId): Promise<boolean> => {
  const limits = chunkLimits(resolveSource(poller.config, sourceId));
  return (await poller.store.lookup(sourceId, [letterMark(id, letterAddedAt)], limits))[0] === 'known';
};

class Killed extends Error {}

/** The stage of a process that is dead after so many acts on Redis; `null`: it lives. */
const openStage = (poller: PollerBundle, acts: number | null) => {
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const { keyPrefix, config, store, metrics } = poller;
  const queues = createSourceQueues(
    { redis: poller.redis, logger, metrics },
    { keyPrefix, chunkJob: chunkJobOptions(config.delivery), deadLetters: config.delivery.deadLetters },
  );
  const done: string[] = [];
  const act = async <R>(name: string, run: () => Promise<R>): Promise<R> => {
    if (acts !== null && done.length >= acts) throw new Killed(`killed before ${name}`);
    done.push(name);
    return run();
  };
  const connector: Source = { poll: () => onePage()({} as never), parseRow: (kept) => poller.parseRow(kept) };
  const stage = createReparseStage({
    sources: createPolledSources(config, () => () => connector),
    limitsOf: () => chunkLimits(resolveSource(config, sourceId)),
    store: {
      lookup: (...of) => act('lookup', () => store.lookup(...of)),
      admit: (...of) => act('admit', () => store.admit(...of)),
      remember: (...of) => act('remember', () => store.remember(...of)),
    },
    queues: {
      addChunkJob: (...of) => act('addChunkJob', () => queues.addChunkJob(...of)),
      addLetters: (...of) => act('addLetters', () => queues.addLetters(...of)),
      ring: () => {},
    },
    memory: { high: async () => poller.memoryHigh },
    metrics,
    logger,
    cutSecrets: (text) => text,
    now: Date.now,
  });
  return { done, run: () => stage.run(row), close: () => queues.close() };
};

const sweep = (poller: PollerBundle) =>
  sweepSource(
    { store: poller.store, queue: poller.records },
    { sourceId, job: chunkJobOptions(poller.config.delivery) },
  );

describe('a reparse that is killed', () => {
  it.each(Array.from({ length: 4 }, (_value, acts) => ({ acts })))(
    'after $acts acts admits a record that is valid now once',
    async ({ acts }) => {
      await using poller = await openPollerBundle();
      poller.parseRow = valid;
      const killed = openStage(poller, acts);
      await expect(killed.run()).rejects.toThrow(Killed);
      await killed.close();
      expect(await isMarked(poller)).toBe(false);
      const next = openStage(poller, null);
      expect(await next.run()).toEqual({ end: 'admitted' });
      await sweep(poller);
      expect(await poller.stored()).toHaveLength(1);
      expect(await poller.records.getJobCountByTypes('prioritized')).toBe(1);
      expect(await isMarked(poller)).toBe(true);
      expect(await next.run()).toEqual({ end: 'done' });
      await next.close();
      expect(await poller.stored()).toHaveLength(1);
      expect(await poller.letters.getJobCountByTypes('waiting')).toBe(0);
    },
  );

  it.each(Array.from({ length: 3 }, (_value, acts) => ({ acts })))(
    'after $acts acts adds one letter for a row that still is none',
    async ({ acts }) => {
      await using poller = await openPollerBundle();
      poller.parseRow = invalid;
      const killed = openStage(poller, acts);
      await expect(killed.run()).rejects.toThrow(Killed);
      await killed.close();
      expect(await isMarked(poller)).toBe(false);
      const next = openStage(poller, null);
      expect(await next.run()).toEqual({ end: 'still_invalid' });
      expect(await isMarked(poller)).toBe(true);
      expect(await next.run()).toEqual({ end: 'done' });
      await next.close();
      const letters = await poller.letters.getJobs(['waiting']);
      expect(letters.map((letter) => [letter.id, letter.data.replays])).toEqual([[letterId.replace(/0$/, '1'), 1]]);
      expect(await poller.stored()).toEqual([]);
    },
  );

  it('has these acts, in this order', async () => {
    await using poller = await openPollerBundle();
    for (const [parseRow, acts] of [
      [valid, ['lookup', 'admit', 'addChunkJob', 'remember']],
      [invalid, ['lookup', 'addLetters', 'remember']],
    ] as const) {
      poller.parseRow = parseRow;
      const whole = openStage(poller, null);
      await whole.run();
      expect(whole.done).toEqual(acts);
      await whole.close();
      // The other row is another letter's.
      await poller.redis.unlink(...(await poller.redis.keys(`${poller.keyPrefix}:{${sourceId}}:seen*`)));
    }
  });
});

describe('the replay of a raw row', () => {
  it('is admitted under its own id, kept from eviction, and is known when it is polled', async () => {
    await using poller = await openPollerBundle({ queue: { maxRecords: 100, chunkSize: 20, overflow: 'drop_oldest' } });
    poller.parseRow = (kept) => {
      expect(kept).toEqual({ raw: row.raw, context: row.rawContext });
      return reading(7);
    };
    await poller.startPoller();
    await requestReparse(poller.polls, row);
    await waitUntil('the mark', () => isMarked(poller), { timeoutMs: 30_000 });
    await waitUntil(
      'the job to be gone',
      async () => (await poller.polls.getJob(reparseJobId(letterId))) === undefined,
    );
    const [first] = await poller.stored();
    expect(first?.data).toEqual({ stationId: 'S7', temperatureC: 11 });
    expect(await poller.value('records_accepted_total')).toBe(1);
    const [job] = await poller.records.getPrioritized();
    expect(job?.data).toMatchObject({ records: 1, pollId: 'stations.7', sample: [first] });
    // More than the queue holds: the oldest make room, but not this one.
    poller.script = onePage(page([reading(7), ...readings(100, 150)]));
    await poller.pollOnce(1);
    const stored = await poller.stored();
    expect(stored.filter((envelope) => envelope.id === first?.id)).toHaveLength(1);
    expect(await poller.value('records_dropped_total')).toBeGreaterThan(0);
  });

  it('is a new letter while it still is none, with the reason of now and without secrets', async () => {
    await using poller = await openPollerBundle();
    poller.parseRow = invalid;
    await poller.startPoller();
    await requestReparse(poller.polls, row);
    await waitUntil('the mark', () => isMarked(poller), { timeoutMs: 30_000 });
    const letters = await poller.letters.getJobs(['waiting']);
    expect(letters.map((letter) => letter.data)).toMatchObject([
      {
        sourceId,
        code: 'invalid_row',
        reason: 'not_a_number: found ***',
        raw: row.raw,
        rawContext: row.rawContext,
        replays: 1,
        firstFailedAt: row.firstFailedAt,
        pollId: row.pollId,
      },
    ]);
    expect(await poller.stored()).toEqual([]);
    // Counted when it was polled, and once.
    expect(await poller.value('records_invalid_total')).toBe(0);
    expect(await poller.value('dead_letters_total', { code: 'invalid_row' })).toBe(1);
  });

  it.each([
    {
      name: 'a parser that fails',
      parseRow: () => {
        throw new Error('needs FIRMS_MAP_KEY');
      },
      source: sourceId,
      reason: 'not_parsed: needs FIRMS_MAP_KEY',
    },
    {
      name: 'a record that cannot be stored',
      parseRow: () => reading(7, { data: { stationId: 'S7', temperatureC: Number.NaN } }),
      source: sourceId,
      reason: 'not_finite: weather-observation S7: expected finite numbers, found NaN or infinity',
    },
    {
      name: 'a source that this poller does not know',
      parseRow: valid,
      source: 'gone',
      reason: 'not_parsed: source gone is not in the config of the poller that was asked, so it cannot parse this row',
    },
  ] satisfies readonly { parseRow: Source['parseRow']; [other: string]: unknown }[])(
    'is a new letter with a clear reason for $name',
    async ({ parseRow, source, reason }) => {
      await using poller = await openPollerBundle();
      poller.parseRow = parseRow;
      await poller.startPoller();
      await requestReparse(poller.polls, { ...row, sourceId: source });
      const key = `${poller.keyPrefix}:{${source}}:dead-letter.${source}:${letterId.replace(/0$/, '1')}`;
      const data = await waitUntil('the letter', () => poller.redis.hget(key, 'data'), { timeoutMs: 30_000 });
      expect(JSON.parse(data)).toMatchObject({ reason, raw: row.raw });
      await waitUntil(
        'the job to be gone',
        async () => (await poller.polls.getJob(reparseJobId(letterId))) === undefined,
      );
    },
  );

  it.each([
    { name: 'its queue is full', fill: 90, memoryHigh: null },
    { name: 'Redis has no memory left', fill: 0, memoryHigh: 'Redis is full' },
  ])('waits, delayed and without an attempt, while $name', async ({ fill, memoryHigh }) => {
    await using poller = await openPollerBundle({ queue: { maxRecords: 100, criticalReserve: 10, chunkSize: 90 } });
    poller.parseRow = valid;
    poller.script = onePage(page(readings(100, fill)));
    await poller.startPoller();
    await poller.pollOnce(1);
    poller.memoryHigh = memoryHigh;
    await requestReparse(poller.polls, row);
    const job = await poller.until(reparseJobId(letterId), 'delayed');
    expect(job.attemptsMade).toBe(0);
    expect(await isMarked(poller)).toBe(false);
    poller.memoryHigh = null;
    const [chunk] = await poller.records.getPrioritized();
    if (chunk !== undefined) await poller.store.settle(sourceId, chunk.id!, null, fill);
    await waitUntil('the mark', () => isMarked(poller), { timeoutMs: 30_000 });
    expect((await poller.stored()).map((envelope) => envelope.data['stationId'])).toEqual(['S7']);
  });

  it('fails when its job was made by hand and lacks something, with the field named', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    const job = await poller.polls.add('reparse', { sourceId, letterId: 'x' });
    expect((await poller.until(job.id!, 'failed')).failedReason).toContain('expected a text as raw in its data');
  });
});
