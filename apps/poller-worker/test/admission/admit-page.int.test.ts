// Stops the admission of a page between every two of its acts, each instant once, and looks at what is left after the
// next poll and a sweep: every record in one chunk with a job, every invalid row one letter.

import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { createLogger } from '@stream-manager/shared/observability/logger';
import type { LetterLimits } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createDroppedChunks } from '@stream-manager/shared/queues/dropped-chunks';
import { sweepSource } from '@stream-manager/shared/queues/records-queue';
import { chunkJobOptions, chunkLimits } from '@stream-manager/shared/queues/source-limits';
import { closedTap } from '@stream-manager/shared/queues/tap';
import type { InvalidRow } from '@stream-manager/shared/records/envelope';
import { describe, expect, it } from 'vitest';
import type { AdmissionDeps, AdmissionSettings, PageAdmission } from '../../src/admission/admission.ts';
import { admitPage } from '../../src/admission/admit-page.ts';
import { type PreparedRows, startPreparation } from '../../src/admission/prepare.ts';
import { createRoom } from '../../src/admission/room.ts';
import { createSourceQueues } from '../../src/queues/source-queues.ts';
import { openPollerBundle, type PollerBundle, readings, sourceId } from '../poller-bundle.ts';

const invalid: readonly InvalidRow[] = ['a', 'b'].map((raw) => ({
  raw,
  reason: 'not_a_number',
  message: `found ${raw}`,
}));

const memory = { high: async () => null, took: () => {} };

const rows = (ingestedAtMs: number): PreparedRows => {
  const preparation = startPreparation(
    { sourceId, priority: 'normal', resolvePriority: (_record, base) => base, readKey: undefined },
    ingestedAtMs,
  );
  preparation.add(readings(0, 50));
  preparation.addInvalid(invalid);
  return preparation.finish();
};

class Killed extends Error {}

/** Lets `acts` acts on Redis happen; the process is dead before the next one. `null`: it lives. */
const openAdmission = (
  poller: PollerBundle,
  acts: number | null,
  letters: LetterLimits = poller.config.delivery.deadLetters,
  stop = new AbortController(),
) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ role: 'test', instance: 'test', level: 'warn', destination });
  const queues = createSourceQueues(
    { redis: poller.redis, logger, metrics: poller.metrics },
    { keyPrefix: poller.keyPrefix, chunkJob: chunkJobOptions(poller.config.delivery), deadLetters: letters },
  );
  const done: string[] = [];
  const begun = new Map<string, () => void>();
  const act = async <R>(name: string, run: () => Promise<R>): Promise<R> => {
    if (acts !== null && done.length >= acts) throw new Killed(`killed before ${name}`);
    done.push(name);
    begun.get(name)?.();
    return run();
  };
  const { store, metrics } = poller;
  const taken: number[] = [];
  const deps: AdmissionDeps = {
    store: {
      lookup: (...of) => act('lookup', () => store.lookup(...of)),
      admit: (...of) => act('admit', () => store.admit(...of)),
      remember: (...of) => act('remember', () => store.remember(...of)),
    },
    queues: {
      addChunkJob: (...of) => act('addChunkJob', () => queues.addChunkJob(...of)),
      removeEvictedJobs: (...of) => act('removeEvictedJobs', () => queues.removeEvictedJobs(...of)),
      keepDropped: (...of) => act('keepDropped', () => queues.keepDropped(...of)),
      addFittingLetters: (...of) => act('addLetters', () => queues.addFittingLetters(...of)),
      ring: () => {},
    },
    memory: { ...memory, took: (bytes) => void taken.push(bytes) },
    tap: closedTap,
    room: createRoom({ store, memory, now: () => performance.now() }, { maxWaiting: 1 }),
    metrics,
    logger,
    cutSecrets: (text) => text,
    now: () => Date.UTC(2026, 0, 4),
    monotonicNow: () => performance.now(),
  };
  const source = resolveSource(poller.config, sourceId);
  const settings: AdmissionSettings = { sourceId, limits: chunkLimits(source), chunkSize: 20, admitWaitMs: 0 };
  const poll = { pollId: 'p', signal: stop.signal, lost: new AbortController().signal, progress: () => {} };
  return {
    done,
    /** What Redis' memory was told of, in bytes. */
    taken,
    admit: (page: PreparedRows): Promise<PageAdmission> => admitPage(deps, settings, page, poll),
    /** Resolves when the next such act begins. */
    reached: (name: string) => new Promise<void>((resolve) => void begun.set(name, resolve)),
    logged: (): readonly unknown[] => lines.map((line) => JSON.parse(line)),
    keepDropped: (chunkIds: readonly string[]) => queues.keepDropped(sourceId, chunkIds),
    close: () => queues.close(),
  };
};

describe('a page whose admission is stopped', () => {
  it('finishes the chunk in hand, job included, and begins no other', async () => {
    await using poller = await openPollerBundle();
    const stop = new AbortController();
    const first = openAdmission(poller, null, undefined, stop);
    const admitting = first.admit(rows(1));
    await first.reached('admit');
    stop.abort();
    expect(await admitting).toMatchObject({ status: 'stopped', accepted: 20 });
    await first.close();
    expect(first.done).toEqual(['lookup', 'admit', 'addChunkJob']);
    expect(await poller.stored()).toHaveLength(20);
    expect(await poller.records.getJobCountByTypes('prioritized')).toBe(1);
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(0);
    // The next poll brings the same page: the rest of it is new.
    const next = openAdmission(poller, null);
    expect(await next.admit(rows(2))).toMatchObject({ status: 'admitted', accepted: 30 });
    await next.close();
  });
});

describe('a page whose admission is killed', () => {
  // 1 look-up, 3 × (admit, add job), letters, remember.
  it.each(Array.from({ length: 9 }, (_value, acts) => ({ acts })))(
    'after $acts acts loses nothing and doubles nothing',
    async ({ acts }) => {
      await using poller = await openPollerBundle();
      const first = openAdmission(poller, acts);
      await expect(first.admit(rows(1))).rejects.toThrow(Killed);
      await first.close();

      const second = openAdmission(poller, null);
      expect((await second.admit(rows(2))).status).toBe('admitted');
      await second.close();
      await sweepSource(
        { store: poller.store, queue: poller.records },
        { sourceId, job: chunkJobOptions(poller.config.delivery) },
      );

      const ids = (await poller.stored()).map((envelope) => envelope.id);
      expect(ids).toHaveLength(50);
      expect(new Set(ids).size).toBe(50);
      const jobs = await poller.records.getJobs(['prioritized']);
      expect(jobs.reduce((sum, job) => sum + job.data.records, 0)).toBe(50);
      const letters = await poller.letters.getJobs(['waiting']);
      expect(new Set(letters.map((letter) => letter.data.raw))).toEqual(new Set(['a', 'b']));
      expect(letters).toHaveLength(2);

      const third = openAdmission(poller, null);
      expect(await third.admit(rows(3))).toMatchObject({ status: 'admitted', accepted: 0 });
      expect(third.done).toEqual(['lookup']);
      await third.close();
    },
  );

  it('has these acts, in this order', async () => {
    await using poller = await openPollerBundle();
    const whole = openAdmission(poller, null);
    expect(await whole.admit(rows(1))).toMatchObject({ status: 'admitted', accepted: 50 });
    // The job of a chunk is added beside the admit of the next one.
    expect(whole.done.filter((act) => act === 'admit')).toHaveLength(3);
    expect(whole.done.filter((act) => act === 'addChunkJob')).toHaveLength(3);
    expect(whole.done[0]).toBe('lookup');
    expect(whole.done.slice(-2)).toEqual(['addLetters', 'remember']);
    expect(whole.done).toHaveLength(9);
    // Of each chunk, and of the two letters.
    expect(whole.taken).toEqual([expect.any(Number), expect.any(Number), expect.any(Number), 2_002]);
    await whole.close();
  });

  it('adds letters up to the limit, remembers those, and goes on with the rest when there is room', async () => {
    await using poller = await openPollerBundle();
    const limits = { maxRecords: 1, maxBytes: 1_000_000 };
    const first = openAdmission(poller, null, limits);
    const refused = {
      status: 'no_room',
      shortage: { by: 'letters', reason: expect.stringContaining('1 dead letters of 1 allowed') },
    };
    expect(await first.admit(rows(1))).toMatchObject({ ...refused, accepted: 50 });
    expect(await first.admit(rows(2))).toMatchObject({ ...refused, accepted: 0 });
    const [letter, ...more] = await poller.letters.getJobs(['waiting']);
    expect([letter?.data.raw, more]).toEqual(['a', []]);
    await letter?.remove();
    expect(await first.admit(rows(3))).toMatchObject({ status: 'admitted', accepted: 0 });
    const next = await poller.letters.getJobs(['waiting']);
    expect(next.map((job) => job.data.raw)).toEqual(['b']);
    expect(await poller.value('records_invalid_total', { reason: 'not_a_number' })).toBe(2);
    await first.close();
  });

  it('beside others of the same source adds no more letters than there is room for, together', async () => {
    await using poller = await openPollerBundle();
    const limits = { maxRecords: 25, maxBytes: 1_000_000 };
    const admissions = [0, 1, 2, 3].map(() => openAdmission(poller, null, limits));
    const pageOf = (part: number): PreparedRows => {
      const preparation = startPreparation(
        { sourceId, priority: 'normal', resolvePriority: (_record, base) => base, readKey: undefined },
        1,
      );
      preparation.addInvalid(
        Array.from({ length: 10 }, (_, at) => ({ raw: `${part}-${at}`, reason: 'not_a_number', message: 'no number' })),
      );
      return preparation.finish();
    };
    const lying = (): Promise<number> => poller.letters.getJobCountByTypes('waiting');
    await Promise.all(admissions.map((admission, part) => admission.admit(pageOf(part))));
    // Room that is being taken may count twice for a moment, never not at all.
    expect(await lying()).toBeLessThanOrEqual(25);
    for (const [part, admission] of admissions.entries()) await admission.admit(pageOf(part));
    expect(await lying()).toBe(25);
    expect(await poller.value('records_invalid_total', { reason: 'not_a_number' })).toBe(25);
    await Promise.all(admissions.map((admission) => admission.close()));
  });

  it('that is empty costs nothing', async () => {
    await using poller = await openPollerBundle();
    const whole = openAdmission(poller, null);
    const empty: PreparedRows = { records: [], invalid: [], repeated: 0, rejected: 0, newestObservedAtMs: null };
    expect(await whole.admit(empty)).toMatchObject({ status: 'admitted', accepted: 0 });
    expect(whole.done).toEqual([]);
    await whole.close();
  });
});

describe('a page of which a full queue drops a chunk, and what is dropped is kept', () => {
  const queue = { maxRecords: 40, chunkSize: 20, overflow: 'drop_oldest', keepDropped: true } as const;

  it('has these acts, in this order', async () => {
    await using poller = await openPollerBundle({ queue });
    const whole = openAdmission(poller, null);
    expect(await whole.admit(rows(1))).toMatchObject({ status: 'admitted', accepted: 50 });
    // The acts after an admit go on beside the next one.
    const acts = whole.done.filter((act) => act !== 'admit');
    expect(acts).toEqual([
      'lookup',
      'addChunkJob',
      'addChunkJob',
      'removeEvictedJobs',
      'keepDropped',
      'addChunkJob',
      'addLetters',
      'remember',
    ]);
    const letters = await poller.letters.getJobs(['waiting']);
    expect(letters.filter(({ data }) => data.code === 'dropped')).toHaveLength(20);
    expect(await poller.value('dead_letters_total', { code: 'dropped' })).toBe(20);
    expect(await poller.value('records_dropped_total', { priority: 'normal', reason: 'evicted' })).toBe(20);
    await whole.close();
  });

  // Look-up, 3 × (admit, add job), remove the job of the evicted, keep it, letters, remember.
  it.each(Array.from({ length: 11 }, (_value, acts) => ({ acts })))(
    'loses nothing when it is killed after $acts acts: every record is in a chunk or a letter',
    async ({ acts }) => {
      await using poller = await openPollerBundle({ queue });
      const first = openAdmission(poller, acts);
      await expect(first.admit(rows(1))).rejects.toThrow(Killed);
      await first.close();

      const second = openAdmission(poller, null);
      expect((await second.admit(rows(2))).status).toBe('admitted');
      await sweepSource(
        { store: poller.store, queue: poller.records },
        { sourceId, job: chunkJobOptions(poller.config.delivery) },
      );
      const dropped = createDroppedChunks(poller.redis, poller.keyPrefix);
      await second.keepDropped(await dropped.list(sourceId, 0, 100));
      expect(await dropped.list(sourceId, 0, 100)).toEqual([]);
      await second.close();

      const stored = (await poller.stored()).map(({ id }) => id);
      const letters = (await poller.letters.getJobs(['waiting'])).flatMap(({ data }) =>
        data.code === 'dropped' ? [(data.record as { readonly id: string }).id] : [],
      );
      expect(letters.length).toBeGreaterThanOrEqual(20);
      expect([...stored, ...letters]).toHaveLength(50);
      expect(new Set([...stored, ...letters]).size).toBe(50);
      const jobs = await poller.records.getJobs(['prioritized']);
      expect(jobs.reduce((sum, job) => sum + job.data.records, 0)).toBe(stored.length);
    },
  );

  it('tells what found no room among the letters, and goes on', async () => {
    await using poller = await openPollerBundle({ queue });
    const tight = openAdmission(poller, null, { maxRecords: 5, maxBytes: 1e9 });
    const admission = await tight.admit(rows(1));
    // Half of the letters is theirs; the invalid rows have the other half.
    expect(admission).toMatchObject({ status: 'admitted', accepted: 50 });
    const codes = (await poller.letters.getJobs(['waiting'])).map(({ data }) => data.code);
    expect(codes.toSorted()).toEqual(['dropped', 'dropped', ...Array(invalid.length).fill('invalid_row')]);
    expect(tight.logged()).toContainEqual(
      expect.objectContaining({ msg: 'dropped records could not be kept as dead letters', lost: 18 }),
    );
    await tight.close();
  });
});

it('counts and clears away what went beyond a lowered cap, also when the newcomer found no room after all', async () => {
  await using poller = await openPollerBundle({
    queue: { maxRecords: 1050, criticalReserve: 0, chunkSize: 20, overflow: 'drop_oldest' },
  });
  const limits = { ...chunkLimits(resolveSource(poller.config, sourceId)), maxRecords: 5000 };
  const old = (serial: number) => {
    const id = Buffer.alloc(16);
    id.writeUInt32BE(serial);
    return { id, hash: Buffer.alloc(8), eventTimeMs: 1, key: 'k', value: Buffer.from('{}') };
  };
  // 1,040 of 5,000 may not go; more than one call looks at.
  for (let from = 0; from < 5000; from += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_value, at) => {
        const serial = from + at;
        const chunk = { chunkId: `old-${serial}`, records: [old(serial)], keep: serial < 1040 };
        return poller.store.admit({ sourceId, priority: 3, limits, pollId: 'p', ...chunk });
      }),
    );
  const admission = openAdmission(poller, null);
  expect(await admission.admit(rows(1))).toMatchObject({ status: 'admitted', accepted: 10 });
  expect(await poller.value('records_dropped_total', { reason: 'evicted' })).toBe(5000 - 1040);
  expect(await poller.value('records_dropped_total', { reason: 'no_room' })).toBe(40);
  expect(admission.done.slice(0, 3)).toEqual(['lookup', 'admit', 'removeEvictedJobs']);
  await admission.close();
});
