// The record cap with real concurrency: three processes poll and publish one source at once, one after the other is killed at a
// random instant and replaced, and all the while one Lua call after the other takes the account of what lies in Redis.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { expect, inject, it } from 'vitest';
import type { OverflowMode } from '../../src/config/overflow-modes.ts';
import { sweepSource } from '../../src/queues/records-queue.ts';
import type { BusyProcessOptions } from './busy-process.ts';
import { createProducer } from './chunk-life.ts';
import { faultsOf } from './chunk-store-bundle.ts';
import { openKeptLetters } from './kept-letters.ts';
import { hastyLocks, jobOptions, openRecordsQueue, type RecordsQueueBundle } from './records-queue-bundle.ts';
import { limitsWith } from './small-records.ts';

const program = join(import.meta.dirname, 'busy-process.ts');
const maxRecords = 60;
const criticalReserve = 12;
const processes = 3;
const kills = 3;
/** Accounts that are taken between two kills. */
const looksPerKill = 200;

/** A process that is at work; `kill` ends it at once. */
const startBusy = async (options: Omit<BusyProcessOptions, 'redisUrl' | 'locks'>) => {
  const all: BusyProcessOptions = { ...options, redisUrl: inject('redisUrl'), locks: hastyLocks };
  const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(all)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  await waitUntil(
    'a process to be at work',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
      return said.includes('ready\n');
    },
    { timeoutMs: 30_000 },
  );
  return {
    /** What it complained of; empty if it went on to the end. */
    kill: async (): Promise<string> => {
      const ended = child.exitCode === null ? '' : said;
      child.kill('SIGKILL');
      await exited;
      return ended;
    },
  };
};

/** What lies there at one instant: total, sum of the classes, of what is left in the chunks, of what is set aside, its count. */
const accountScript = `
local counts = redis.call('HMGET', KEYS[1], 'total', '1', '2', '3', '4', 'kept')
local function number(value) return tonumber(value or 0) end
local function left(key, from, to, prefix)
  local sum = 0
  for _, id in ipairs(redis.call('ZRANGE', key, from, to)) do sum = sum + tonumber(redis.call('HGET', prefix .. id, 'rem')) end
  return sum
end
local classes = number(counts[2]) + number(counts[3]) + number(counts[4]) + number(counts[5])
return { number(counts[1]), classes, left(KEYS[2], 0, -1, ARGV[1]), number(counts[6]), left(KEYS[3], 0, -1, ARGV[2]), number(counts[2]) }
`;

const takeAccount = async ({ redis, keys }: RecordsQueueBundle) => {
  // The script answers these six numbers.
  const [total, classes, left, kept, aside, critical] = (await redis.eval(
    accountScript,
    3,
    keys.count,
    keys.index,
    keys.droppedChunks,
    keys.chunkPrefix,
    keys.droppedChunkPrefix,
  )) as [number, number, number, number, number, number];
  return { total, classes, left, kept, aside, critical };
};

it.each<{ overflow: OverflowMode; keepDropped: boolean }>([
  { overflow: 'backpressure', keepDropped: false },
  { overflow: 'drop_oldest', keepDropped: true },
  { overflow: 'drop_lowest', keepDropped: false },
  { overflow: 'reject', keepDropped: true },
])(
  'under $overflow (dropped ones are kept: $keepDropped) the cap holds at every instant, whatever is killed, and every id that was remembered has a place',
  { timeout: 120_000 },
  async ({ overflow, keepDropped }) => {
    await using bundle = openRecordsQueue();
    const { keyPrefix, sourceId, redis } = bundle;
    const sent = `${keyPrefix}:sent`;
    const limits = limitsWith({ maxRecords, criticalReserve, overflow, keepDropped });
    const letters = openKeptLetters(redis, keyPrefix, sourceId);
    let seed = 0;
    const start = () => startBusy({ keyPrefix, sourceId, limits, sent, seed: ++seed * 7_919 });
    const busy = await Promise.all(Array.from({ length: processes }, start));

    const highest = { total: 0, kept: 0 };
    const faults: string[] = [];
    const complaints: string[] = [];
    for (let killed = 0; killed <= kills; killed++) {
      for (let look = 0; look < looksPerKill; look++) {
        const account = await takeAccount(bundle);
        highest.total = Math.max(highest.total, account.total);
        highest.kept = Math.max(highest.kept, account.kept);
        const isRight =
          account.total === account.classes &&
          account.total === account.left &&
          account.kept === account.aside &&
          account.total <= maxRecords &&
          account.kept <= maxRecords;
        if (!isRight) faults.push(JSON.stringify(account));
      }
      if (killed === kills) break;
      const victim = busy.shift();
      complaints.push((await victim?.kill()) ?? '');
      busy.push(await start());
    }
    complaints.push(...(await Promise.all(busy.map((one) => one.kill()))));
    expect(faults).toEqual([]);
    expect(complaints.filter((text) => text !== '')).toEqual([]);
    // It was full most of the time: otherwise nothing was shown.
    expect(highest.total).toBeGreaterThan(maxRecords - criticalReserve - 12);

    await sweepSource(bundle, { sourceId, job: jobOptions, healLostJobs: true });
    await letters.keepAll();
    const deps = { ...bundle, sent, keep: letters.keep, reach: () => Promise.resolve() };
    bundle.work(createProducer(deps, false));
    await waitUntil(
      'everything to be settled and completed',
      async () => {
        const jobs = await bundle.queue.getJobCountByTypes('prioritized', 'wait', 'active', 'delayed');
        return jobs === 0 && (await bundle.picture()).chunks.length === 0;
      },
      { timeoutMs: 30_000 },
    );
    const picture = await bundle.picture();
    expect(faultsOf(picture, maxRecords)).toEqual([]);
    expect(picture.setAsideKeys).toEqual([]);

    const published = new Set((await redis.lrange(sent, 0, -1)).map((one) => Number(one.split('/')[0])));
    const lettersThere = await letters.queue.getJobs(['waiting']);
    const inLetters = new Set(lettersThere.map(({ data }) => (data.record as { id: number }).id));
    const seen = [...new Set([...picture.current.keys(), ...picture.previous.keys()])];
    const missing = seen.filter((id) => !published.has(id) && !inLetters.has(id));
    const dropped = Object.entries(picture.dropped)
      .filter(([field]) => !field.endsWith(':rejected'))
      .reduce((sum, [, records]) => sum + records, 0);
    expect(seen.length).toBeGreaterThan(100);
    // Each of the missing was dropped and counted; with `keepDropped` none is missing but what was over its bound.
    expect(missing.length).toBeLessThanOrEqual(dropped - inLetters.size);
    expect(dropped > 0).toBe(overflow.startsWith('drop_'));
    expect(inLetters.size > 0).toBe(keepDropped && dropped > 0);
  },
);
