// A poller is killed (SIGKILL) between what a page needs to be in and what says so; another one takes its job over. Whatever the
// instant, all records are in once, and the cursor is what the last page gave.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, inject, it } from 'vitest';
import type { KilledPollerOptions } from './killed-poller.ts';
import { twoPages } from './paged-script.ts';
import { openPollerBundle, type PollerBundle, sourceId } from './poller-bundle.ts';

const entry = { type: 'noaa-stations', every: '5m', params: { stations: ['KSFO'] } };

/** Runs the poll in a process of its own until it stands still, and kills that. */
const killBefore = async (
  poller: PollerBundle,
  standsBefore: KilledPollerOptions['standsBefore'],
  tick: number,
): Promise<string> => {
  const options: KilledPollerOptions = {
    config: {
      redis: { url: inject('redisUrl'), keyPrefix: poller.keyPrefix },
      sources: { [sourceId]: entry },
    },
    standsBefore,
  };
  const child = spawn(
    process.execPath,
    [new URL('./killed-poller.ts', import.meta.url).pathname, JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const jobId = await poller.poll(tick);
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('stands\n');
    return jobId;
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
};

describe('a poller that is killed', () => {
  it.concurrent.each([
    {
      name: 'between the admission of a page and its position',
      standsBefore: { commands: ['set'], key: ':position' },
      admitted: 10,
      begins: null,
      asks: [null],
    },
    {
      name: 'between the last page and the cursor',
      standsBefore: { commands: ['evalsha', 'eval'], key: ':cursor' },
      admitted: 20,
      begins: { next: 2 },
      asks: [null],
    },
    {
      name: 'between the end of the pass and that of the poll',
      standsBefore: { commands: ['hset'], key: ':state' },
      admitted: 20,
      // The cursor has moved, and where the pass stood is forgotten with that: the poll asks for what is new.
      begins: null,
      asks: ['page 2'],
    },
  ])(
    '$name loses nothing, doubles nothing, and another one goes on',
    async ({ standsBefore, admitted, begins, asks }) => {
      await using poller = await openPollerBundle(entry);
      const tick = Date.now();
      const jobId = await killBefore(poller, standsBefore, tick);
      expect(await poller.stored()).toHaveLength(admitted);
      poller.script = twoPages;
      await poller.startPoller();
      const done = await poller.until(jobId, 'completed', 'failed');
      expect(done.failedReason).toBeUndefined();
      expect(poller.calls.map(({ position }) => position)).toEqual([begins]);
      expect(poller.asked.map(({ cursor }) => cursor)).toEqual(asks);
      const ids = (await poller.stored()).map(({ id }) => id);
      expect(ids).toHaveLength(20);
      expect(new Set(ids).size).toBe(20);
      expect(await poller.cursors.read(sourceId)).toMatchObject({ value: 'page 2', untilMs: tick });
      expect(await poller.position()).toBeNull();
      expect(await poller.claimedBy()).toBeNull();
    },
  );
});
