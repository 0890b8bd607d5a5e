// The drill of a backfill: real pollers that are killed (SIGKILL) in the middle of slices and between two of them. What is
// asked for is in the queues in the end, each reading exactly once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { backfillJobId, createBackfills } from '@stream-manager/shared/queues/backfills';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { openPollerBundle, sourceId } from '../poller-bundle.ts';
import { dayMs, hourMs, minuteMs } from './hourly-pages.ts';

const drillSource = fileURLToPath(new URL('./drill-source.ts', import.meta.url));
const program = join(import.meta.dirname, '../../src/main.ts');
const patience = { timeoutMs: 90_000 };

/** Hears of every page before it is given, and holds the one that it is told to hold. */
const openControl = async () => {
  const pages: number[] = [];
  let isHeld = (_page: number): boolean => false;
  const server = createServer((request, response) => {
    const at = Number(request.url?.split('/').at(-1));
    const page = (at - dayMs) / (10 * minuteMs);
    pages.push(page);
    if (!isHeld(page)) response.end('go on');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    pages,
    hold: (held: number | null) => {
      isHeld = (page) => page === held;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const openDrill = async () => {
  const control = await openControl();
  const poller = await openPollerBundle();
  const directory = await mkdtemp(join(tmpdir(), 'sm-backfill-'));
  const configPath = join(directory, 'stream.json');
  await writeFile(
    configPath,
    JSON.stringify({
      redis: { url: inject('redisUrl'), keyPrefix: poller.keyPrefix },
      sources: {
        [sourceId]: {
          type: 'custom',
          every: '1h',
          baseUrl: control.url,
          params: { module: drillSource },
        },
      },
    }),
  );
  const store = createBackfillStore(poller.redis, poller.keyPrefix);
  const children: ChildProcess[] = [];
  return {
    control,
    poller,
    store,
    backfills: createBackfills({ store, queue: poller.polls, now: Date.now }),
    /** Starts a real poller; it ends by SIGKILL only. */
    start: (): ChildProcess => {
      const child = spawn(process.execPath, [program], {
        env: { PATH: process.env.PATH, STREAM_CONFIG: configPath, LOG_LEVEL: 'warn' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      children.push(child);
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      await poller[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
};

const kill = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

describe('a backfill whose poller is killed', () => {
  it('in the middle of slices and between two of them brings each reading exactly once', async () => {
    await using drill = await openDrill();
    const { control, poller, store, backfills } = drill;
    let child = drill.start();
    await waitUntil(
      'the poller to tell what it can',
      async () => (await store.slices([sourceId])).size === 1,
      patience,
    );
    const request = { sourceId, fromMs: dayMs, toMs: dayMs + 3 * hourMs, requestedBy: 'the drill' };
    // In the middle of the first slice: before its fourth page, whose three before it are in.
    control.hold(3);
    const answer = await backfills.request(request);
    if (answer.kind !== 'queued') throw new Error('expected a new backfill');
    const id = answer.backfillId;
    await waitUntil('page 3', async () => control.pages.at(-1) === 3, patience);
    await kill(child);

    // Between two slices: the first is done, and its job waits for the next.
    control.hold(6);
    child = drill.start();
    await waitUntil(
      'the first slice',
      async () => (await store.read(sourceId, id))!.doneMs === dayMs + hourMs,
      patience,
    );
    await kill(child);
    const job = (await poller.polls.getJob(backfillJobId(sourceId, id)))!;
    expect(['delayed', 'active']).toContain(await job.getState());

    // At the first page of the last slice.
    control.hold(12);
    child = drill.start();
    await waitUntil('page 12', async () => control.pages.at(-1) === 12, patience);
    await kill(child);

    control.hold(null);
    drill.start();
    await waitUntil('its end', async () => (await store.read(sourceId, id))!.state === 'finished', patience);
    const stored = (await poller.stored()).map(({ observedAt }) => (Date.parse(observedAt) - dayMs) / minuteMs);
    expect(stored.sort((a, b) => a - b)).toEqual(Array.from({ length: 180 }, (_value, index) => index));
    // It went on at the page where it was cut off, and not at the beginning of its slice.
    expect(control.pages.filter((page) => page < 3)).toEqual([0, 1, 2]);
    expect((await backfills.list(sourceId))[0]).toMatchObject({ share: 1, records: 180, error: null });
  }, 240_000);
});
