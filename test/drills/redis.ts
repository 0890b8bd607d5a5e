// Drills that harm Redis.
import { setTimeout as pause } from 'node:timers/promises';
import { limitFileSize } from '@stream-manager/testkit/stack/full-disk';
import { type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';

/** Waits for Redis' first publications after the heal. */
const backAgain = async (ground: Ground): Promise<void> => {
  ground.progress.healed();
  await ground.publishes(1_000);
};

/**
 * What was sent when Redis went away could not be settled and may be sent again: resolves with how many records that can
 * be. Asked before, since the dead cannot be asked.
 */
const killAndStart = async (ground: Ground, awayMs: number): Promise<number> => {
  const doubled = await inFlight(ground, 2);
  await ground.servers.redis.kill('SIGKILL');
  await pause(awayMs);
  await ground.servers.redis.start();
  await backAgain(ground);
  // A poll may have brought records between the question and the kill.
  return doubled + pollSize(ground);
};

/** What two polls of every source can bring within a moment. */
const pollSize = (ground: Ground): number => ground.load.sourceIds.length * 2_000;

/** How many commands Redis has refused with this error: shows that the harm was done. Survives no restart of Redis. */
const refusals = async (ground: Ground, error: 'OOM' | 'MISCONF'): Promise<number> =>
  Number(new RegExp(`errorstat_${error}:count=(\\d+)`).exec(await ground.redis.info('errorstats'))?.[1] ?? 0);

/** The fact for the table, and a failure of the drill when Redis never refused anything. */
const refused = async (ground: Ground, error: 'OOM' | 'MISCONF') => {
  const count = await refusals(ground, error);
  return {
    note: `${count} commands refused with ${error}`,
    problems: count === 0 ? [`Redis never answered ${error}: the drill has shown nothing`] : [],
  };
};

export const redisDrills: readonly Drill[] = [
  {
    name: 'redis-kill',
    title: 'Redis: SIGKILL under load and started again with its AOF, 3 times',
    plan: { servers: { kafkaDelayMs: 60 } },
    harm: async (ground) => {
      let doubled = 0;
      for (let kill = 0; kill < 3; kill += 1) {
        await pause(ground.random.int(0, 1_500));
        doubled += await killAndStart(ground, 500);
      }
      return { doubled };
    },
  },
  {
    name: 'redis-stop-30s',
    title: 'Redis: stopped for 30 s under load',
    plan: {},
    harm: async (ground) => {
      const doubled = await inFlight(ground, 2);
      await ground.servers.redis.stop();
      await pause(30_000);
      await ground.servers.redis.start();
      await backAgain(ground);
      return { doubled: doubled + pollSize(ground) };
    },
  },
  {
    name: 'redis-full',
    title: 'Redis: over maxmemory under load for 20 s (as when others fill it), then given room again',
    plan: {},
    harm: async (ground) => {
      const doubled = await inFlight(ground, 2);
      const used = Number(/used_memory:(\d+)/.exec(await ground.redis.info('memory'))?.[1]);
      // Under what is used: without this, admission stops at `redis.highWater` and Redis is never full.
      await ground.redis.config('SET', 'maxmemory', String(Math.floor(used * 0.5)));
      await pause(20_000);
      await ground.redis.config('SET', 'maxmemory', '0');
      await backAgain(ground);
      return { doubled: doubled + pollSize(ground), ...(await refused(ground, 'OOM')) };
    },
  },
  {
    name: 'redis-full-drains',
    title:
      'Redis: little memory, filled to its high water by the queues while Kafka is cut off; Kafka comes back, the limit stays',
    plan: {
      servers: { network: true },
      load: { firesPerSecond: 600 },
      config: { queue: { maxRecords: 100_000 } },
    },
    harm: async (ground) => {
      const doubled = await inFlight(ground, 2);
      const used = Number(/used_memory:(\d+)/.exec(await ground.redis.info('memory'))?.[1]);
      await ground.redis.config('SET', 'maxmemory', String(used + 12_000_000));
      ground.servers.network?.kafka.cut();
      await pause(40_000);
      const queued = await ground.progress.queued();
      ground.servers.network?.kafka.heal();
      await backAgain(ground);
      await ground.publishes(Math.floor(queued * 0.9));
      await ground.redis.config('SET', 'maxmemory', '0');
      return { doubled: doubled + pollSize(ground), note: `${queued} records were queued` };
    },
  },
  {
    name: 'redis-disk-full',
    title: 'Redis: the disk of its AOF is full for 15 s under load, then has room again',
    plan: { servers: { canFillDisk: true } },
    harm: async (ground) => {
      const doubled = await inFlight(ground, 2);
      await limitFileSize(ground.servers.redis.pid, 1);
      await pause(15_000);
      await limitFileSize(ground.servers.redis.pid, null);
      await backAgain(ground);
      return { doubled: doubled + pollSize(ground), ...(await refused(ground, 'MISCONF')) };
    },
  },
];

/** The short form for `npm test`. */
export const shortRedis: Drill = {
  name: 'redis-short',
  title: 'Redis: SIGKILL under load and started again with its AOF',
  plan: {},
  harm: async (ground) => ({ doubled: await killAndStart(ground, 500) }),
};
