// A day of fires of the whole world: what 300,000 rows cost in Redis to be known again, and what a poll of the same rows costs
// a poller.
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Drill } from './drill.ts';
import type { Ground } from './ground.ts';
import { basePriorities, type Load } from './load.ts';

const sourceId = 'fires-of-the-world';
const mebibyte = 1_048_576;

const startWorld = async (rows: number): Promise<Load> => {
  const startedAt = Date.now();
  const providers = await startProviders({
    startAt: startedAt,
    static: true,
    seed: randomInt(1, 1_000_000),
    firms: { bulk: { rows } },
    // Else the second answer would be a 304, and cost nothing.
    validators: { firms: false },
  });
  return {
    providers,
    startedAt,
    sourceIds: [sourceId],
    sources: (topics) => ({
      [sourceId]: {
        type: 'nasa-firms',
        mode: 'batch',
        every: '1h',
        cacheTtlSeconds: 0,
        priority: basePriorities.firms,
        topic: topics.firms,
        rateLimitPerMinute: 600,
        baseUrl: providers.urls.firms,
        params: { mapKey: '${TEST_MAP_KEY}', dataset: 'VIIRS_SNPP_NRT', bbox: [-180, -90, 180, 90], dayRange: 1 },
      },
    }),
    ownTopic: () => null,
    priorities: basePriorities,
    leap: () => {},
    stopClock: () => {},
  };
};

/** Bytes of the ids that the source is known by, and all that Redis uses. */
const memoryOf = async ({ redis, keyPrefix }: Ground): Promise<{ readonly ids: number; readonly all: number }> => {
  const keys = sourceKeys(keyPrefix, sourceId);
  let ids = 0;
  for (const key of [keys.seen0, keys.seen1]) ids += (await redis.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
  const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1];
  return { ids, all: Number(used) };
};

/** Resident memory of the pollers, the largest first, in bytes. */
const residentOf = async ({ fleet }: Ground): Promise<number> => {
  const sizes = await Promise.all(
    (['poller-1', 'poller-2'] as const).map(async (place) => {
      const status = await readFile(`/proc/${fleet.at(place).pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    }),
  );
  return Math.max(...sizes);
};

/** Asks for a poll and waits until it has ended. */
const pollAgain = async (ground: Ground): Promise<{ readonly records: number; readonly durationMs: number }> => {
  const lastPoll = async () => (await ground.streams())[0]?.lastPoll ?? null;
  const before = await lastPoll();
  await ground.act(sourceId, 'poll');
  return waitUntil(
    'another poll',
    async () => {
      const now = await lastPoll();
      return now !== null && now.at !== before?.at && now.outcome === 'ok' ? now : null;
    },
    { timeoutMs: 120_000, intervalMs: 200 },
  );
};

const worldDrill = (name: string, rows: number, again: number): Drill => ({
  name,
  title: `a day of fires of the whole world, ${rows.toLocaleString('en-US')} rows in one answer, and the same answer ${again} times more`,
  plan: { load: () => startWorld(rows) },
  warmUp: rows,
  pollNow: true,
  harm: async (ground) => {
    const { ids, all } = await memoryOf(ground);
    const problems: string[] = [];
    const resident: number[] = [];
    const took: number[] = [];
    let fresh = 0;
    for (let poll = 0; poll < again; poll += 1) {
      const { records, durationMs } = await pollAgain(ground);
      fresh += records;
      took.push(durationMs);
      resident.push(await residentOf(ground));
    }
    const after = await memoryOf(ground);
    ground.progress.healed();
    const megabytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`;
    if (fresh > 0) problems.push(`${fresh} records of the same answer were new`);
    if (ids > 100 * mebibyte || ids < rows * 40)
      problems.push(`the ids take ${megabytes(ids)}, tens of megabytes are expected`);
    if (after.ids > ids * 1.05) problems.push(`the ids grew from ${megabytes(ids)} to ${megabytes(after.ids)}`);
    const [first = 0] = resident;
    const last = resident.at(-1) ?? 0;
    // A collector of garbage that was not in need may leave some.
    if (last > first * 1.25 + 64 * mebibyte)
      problems.push(`the pollers' memory grew from ${megabytes(first)} to ${megabytes(last)}`);
    return {
      doubled: 0,
      problems,
      note: [
        `ids ${megabytes(ids)} in Redis, ${Math.round(ids / rows)} bytes each, of ${megabytes(all)} in all`,
        `the same again: ${fresh} new, in ${(Math.max(...took) / 1_000).toFixed(1)} s at most`,
        `the larger poller's memory after each: ${resident.map(megabytes).join(', ')}`,
      ].join('; '),
    };
  },
});

export const worldDrills: readonly Drill[] = [worldDrill('world-day', 300_000, 5)];
