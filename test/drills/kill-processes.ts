// Drills that kill our own processes.
import { setTimeout as pause } from 'node:timers/promises';
import { type Drill, inFlight } from './drill.ts';
import { type Place, places } from './fleet.ts';
import type { Ground } from './ground.ts';

/** Sends are in flight most of the time: else hardly a kill would meet one. */
const slowKafka = { kafkaDelayMs: 60 };

/**
 * Kills one of the places, at a random instant after its process has started, and starts another in its place. Resolves
 * with how many records the dead one can have had in flight.
 */
const killAndReplace = async (ground: Ground, among: readonly Place[]): Promise<number> => {
  const place = ground.random.pick(among);
  await ground.fleet.at(place).url();
  await pause(ground.random.int(0, 2_000));
  await ground.fleet.kill(place);
  const atRisk = place.startsWith('producer') ? await inFlight(ground, 1) : 0;
  ground.fleet.start(place);
  return atRisk;
};

const killsOf = (name: string, what: string, among: readonly Place[], kills: number): Drill => ({
  name,
  title: `${what}: SIGKILL at a random instant under load, ${kills} times`,
  plan: { servers: slowKafka },
  harm: async (ground) => {
    let doubled = 0;
    for (let kill = 0; kill < kills; kill += 1) doubled += await killAndReplace(ground, among);
    for (const place of among) await ground.fleet.at(place).url();
    ground.progress.healed();
    await ground.publishes(1_000);
    return { doubled };
  },
});

export const killDrills: readonly Drill[] = [
  killsOf('kill-pollers', 'a poller', ['poller-1', 'poller-2'], 20),
  killsOf('kill-producers', 'a producer', ['producer-1', 'producer-2'], 20),
  killsOf('kill-scheduler', 'the scheduler', ['scheduler'], 20),
  killsOf('kill-any', 'any of the five processes', places, 20),
  {
    name: 'kill-all',
    title: 'all five processes at once: SIGKILL at a random instant under load, 5 times',
    plan: { servers: slowKafka },
    harm: async (ground) => {
      let doubled = 0;
      for (let kill = 0; kill < 5; kill += 1) {
        await pause(ground.random.int(0, 2_000));
        await Promise.all(places.map((place) => ground.fleet.kill(place)));
        doubled += await inFlight(ground, 2);
        await ground.fleet.startAll();
        ground.progress.healed();
        await ground.publishes(1_000);
      }
      return { doubled };
    },
  },
];

/** The short form for `npm test`. */
export const shortKill: Drill = {
  name: 'kill-short',
  title: 'a poller, a producer and the scheduler: SIGKILL under load, once each',
  plan: { servers: slowKafka },
  harm: async (ground) => {
    let doubled = 0;
    for (const place of ['producer-1', 'poller-1', 'scheduler'] as const) {
      await pause(ground.random.int(0, 500));
      await ground.fleet.kill(place);
      if (place === 'producer-1') doubled = await inFlight(ground, 1);
      ground.fleet.start(place);
    }
    for (const place of places) await ground.fleet.at(place).url();
    ground.progress.healed();
    await ground.publishes(1_000);
    return { doubled };
  },
};
