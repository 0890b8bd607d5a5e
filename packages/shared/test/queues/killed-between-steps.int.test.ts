// A real process is killed (SIGKILL) after each step of look-up → admit → add → take → send → settle → complete. Then
// the next poll gives the same rows, a sweep runs, and another worker goes on. The account: nothing lost, and nothing
// doubled but what was sent and not yet settled.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { sweepSource } from '../../src/queues/records-queue.ts';
import { type ChunkLifeDeps, createProducer, pollOnce, type Step } from './chunk-life.ts';
import { faultsOf } from './chunk-store-bundle.ts';
import { openKeptLetters } from './kept-letters.ts';
import type { KilledProcessOptions } from './killed-process.ts';
import { hastyLocks, jobOptions, openRecordsQueue, type RecordsQueueBundle } from './records-queue-bundle.ts';
import { limitsWith, record } from './small-records.ts';

const program = join(import.meta.dirname, 'killed-process.ts');

/** Runs the process until it stands still after the step, and kills it there. */
const killAfter = async (step: Step, options: Omit<KilledProcessOptions, 'redisUrl' | 'stopsAfter' | 'locks'>) => {
  const all: KilledProcessOptions = {
    ...options,
    redisUrl: inject('redisUrl'),
    stopsAfter: step,
    locks: hastyLocks,
  };
  const child = spawn(process.execPath, [program, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    await waitUntil(
      `the process to reach "${step}"`,
      () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${errors}`);
        return said.includes(`${step}\n`);
      },
      { timeoutMs: 30_000 },
    );
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
};

const answer = [
  [1, 0],
  [2, 0],
  [3, 0],
  [4, 1],
  [5, 0],
] as const;
/** Record 4 was published before with other content: of its new content, every copy has to be marked as a correction. */
const published = [4, 0] as const;
const names = ['1/0', '2/0', '3/0', '4/1*', '5/0'];

const depsOf = (bundle: RecordsQueueBundle): ChunkLifeDeps => ({
  store: bundle.store,
  queue: bundle.queue,
  redis: bundle.redis,
  sourceId: bundle.sourceId,
  sent: `${bundle.keyPrefix}:sent`,
  keep: openKeptLetters(bundle.redis, bundle.keyPrefix, bundle.sourceId).keep,
  reach: () => Promise.resolve(),
});

const rowsOf = (rows: readonly (readonly [number, number])[]) => rows.map(([id, revision]) => record(id, revision));

const sweep = (bundle: RecordsQueueBundle) =>
  sweepSource(bundle, { sourceId: bundle.sourceId, job: jobOptions, healLostJobs: true });

/** Sweeps, lets another worker go on until nothing is left, and gives what was sent, sorted. */
const recover = async (bundle: RecordsQueueBundle, inHalves: boolean): Promise<readonly string[]> => {
  await sweep(bundle);
  bundle.work(createProducer(depsOf(bundle), inHalves));
  await waitUntil('everything to be settled and completed', async () => {
    const jobs = await bundle.queue.getJobCountByTypes('prioritized', 'wait', 'active', 'delayed', 'failed');
    return jobs === 0 && (await bundle.picture()).chunks.length === 0;
  });
  const sent = await bundle.redis.lrange(`${bundle.keyPrefix}:sent`, 0, -1);
  return sent.sort((a, b) => a.localeCompare(b));
};

describe('a process killed', () => {
  it.each<{ step: Step; inHalves: boolean; leaves: string; doubled: readonly string[] }>([
    { step: 'lookup', inHalves: false, leaves: 'nothing', doubled: [] },
    { step: 'admit', inHalves: false, leaves: 'a chunk without a job', doubled: [] },
    { step: 'add', inHalves: false, leaves: 'a waiting job', doubled: [] },
    { step: 'take', inHalves: false, leaves: 'an active job', doubled: [] },
    { step: 'send', inHalves: false, leaves: 'an active job whose records were sent', doubled: names },
    { step: 'settle', inHalves: false, leaves: 'a job without a chunk', doubled: [] },
    { step: 'complete', inHalves: false, leaves: 'nothing', doubled: [] },
    {
      step: 'partial send',
      inHalves: true,
      leaves: 'an active job of which half was sent',
      doubled: names.slice(0, 3),
    },
    {
      step: 'partial settle',
      inHalves: true,
      leaves: 'an active job of which half is done',
      doubled: [],
    },
    { step: 'send', inHalves: true, leaves: 'one half done, the other sent', doubled: names.slice(3) },
  ])(
    'after $step (in halves: $inHalves) leaves $leaves; recovered, doubled is $doubled',
    async ({ step, inHalves, doubled }) => {
      await using bundle = openRecordsQueue();
      const deps = depsOf(bundle);
      const { keyPrefix, sourceId } = bundle;
      const limits = limitsWith();
      await bundle.admit([record(...published)], { chunkId: 'earlier' });
      await bundle.store.settle(sourceId, 'earlier', null, 0);

      await killAfter(step, { keyPrefix, sourceId, limits, answer, inHalves, sent: deps.sent });
      expect(faultsOf(await bundle.picture(), limits.maxRecords)).toEqual([]);

      // The next poll overlaps: the same rows and a new one.
      await pollOnce(deps, rowsOf([...answer, [6, 0]]), limits);
      const sent = await recover(bundle, inHalves);
      expect(sent).toEqual([...names, ...doubled, '6/0'].sort((a, b) => a.localeCompare(b)));

      expect(await pollOnce(deps, rowsOf([...answer, [6, 0]]), limits)).toBeNull();
      const picture = await bundle.picture();
      expect(picture.published).toBe(6);
      expect(picture.counts.total).toBe(0);
      expect(faultsOf(picture, limits.maxRecords)).toEqual([]);
      expect(await sweep(bundle)).toEqual({ added: 0, removed: 0, healed: 0, failed: [] });
    },
  );

  it.each<{ step: Step; leaves: string }>([
    { step: 'admit', leaves: 'the job of an evicted chunk, and a chunk without a job' },
    { step: 'add', leaves: 'the job of an evicted chunk' },
    { step: 'remove evicted', leaves: 'nothing' },
  ])(
    'after $step, when its chunk evicted another, leaves $leaves; the evicted records are counted, not sent',
    async ({ step }) => {
      await using bundle = openRecordsQueue();
      const deps = depsOf(bundle);
      const { keyPrefix, sourceId } = bundle;
      const limits = limitsWith({ maxRecords: 6, overflow: 'drop_oldest' });
      await bundle.enqueue([record(100), record(101)], { limits });

      await killAfter(step, { keyPrefix, sourceId, limits, answer, inHalves: false, sent: deps.sent });
      const picture = await bundle.picture();
      expect(picture.dropped).toEqual({ '3:evicted': 2 });
      expect(faultsOf(picture, limits.maxRecords)).toEqual([]);

      expect(await pollOnce(deps, rowsOf([...answer, [100, 0], [101, 0]]), limits)).toBeNull();
      expect(await recover(bundle, false)).toEqual(['1/0', '2/0', '3/0', '4/1', '5/0']);
    },
  );

  it.each<{ step: Step; leaves: string }>([
    { step: 'admit', leaves: 'an evicted chunk set aside' },
    { step: 'add', leaves: 'an evicted chunk set aside' },
    { step: 'remove evicted', leaves: 'an evicted chunk set aside' },
    { step: 'keep dropped', leaves: 'nothing' },
  ])(
    'after $step, when what is dropped is kept, leaves $leaves; the evicted records become one letter each',
    async ({ step, leaves }) => {
      await using bundle = openRecordsQueue();
      const { keyPrefix, sourceId } = bundle;
      const limits = limitsWith({ maxRecords: 6, overflow: 'drop_oldest', keepDropped: true });
      const evicted = await bundle.enqueue([record(100), record(101)], { limits });
      const letters = openKeptLetters(bundle.redis, keyPrefix, sourceId);

      const { sent } = depsOf(bundle);
      await killAfter(step, { keyPrefix, sourceId, limits, answer, inHalves: false, sent });
      const picture = await bundle.picture();
      expect(faultsOf(picture, limits.maxRecords)).toEqual([]);
      expect(picture.setAsideKeys).toEqual(leaves === 'nothing' ? [] : [evicted]);

      await letters.keepAll();
      await letters.keepAll();
      const there = await letters.queue.getJobs(['waiting']);
      const kept = there.map(({ data }) => JSON.stringify(data.record)).sort((a, b) => a.localeCompare(b));
      expect(kept).toEqual(['{"id":100,"r":0}', '{"id":101,"r":0}']);
      expect((await bundle.picture()).setAsideKeys).toEqual([]);
      expect(await recover(bundle, false)).toEqual(['1/0', '2/0', '3/0', '4/1', '5/0']);
    },
  );
});
