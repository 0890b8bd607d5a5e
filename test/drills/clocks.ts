// Drills with wrong clocks: the wall clocks of the workers are an hour off. Polls and backoffs may shift once.
import { clockOffBy } from '@stream-manager/testkit/stack/wrong-clock';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Drill } from './drill.ts';
import type { Place } from './fleet.ts';
import type { Ground } from './ground.ts';

const hourSeconds = 3_600;
const workers = ['poller-1', 'poller-2', 'producer-1', 'producer-2'] as const satisfies readonly Place[];

/** Stops the workers and starts others with these clocks. */
const changeClocks = async (ground: Ground, secondsOf: (place: Place) => number): Promise<void> => {
  for (const place of workers) {
    await ground.fleet.stop(place);
    const seconds = secondsOf(place);
    ground.fleet.start(place, seconds === 0 ? {} : await clockOffBy(seconds));
  }
  for (const place of workers) await ground.fleet.at(place).url();
};

/**
 * Waits for so many more records to be published. Ticks and polls that a wrong clock put an hour ahead are brought on
 * meanwhile, as an operator does it: by "poll now".
 */
const publishesByHand = async (ground: Ground, records: number): Promise<void> => {
  const before = await ground.progress.published();
  const isDone = async (): Promise<boolean> => {
    for (const sourceId of ground.load.sourceIds) await ground.act(sourceId, 'poll');
    return (await ground.progress.published()) >= before + records;
  };
  await waitUntil(`${records} more records to be published`, isDone, { timeoutMs: 120_000, intervalMs: 1_000 });
};

const clockDrill = (name: string, words: string, secondsOf: (place: Place) => number): Drill => ({
  name,
  title: `worker clocks ${words}, then right again`,
  plan: {},
  pollNow: true,
  harm: async (ground) => {
    await changeClocks(ground, secondsOf);
    await publishesByHand(ground, 4_000);
    await changeClocks(ground, () => 0);
    ground.progress.healed();
    await publishesByHand(ground, 2_000);
    return { doubled: 0 };
  },
});

export const clockDrills: readonly Drill[] = [
  clockDrill('clocks-ahead', 'an hour ahead', () => hourSeconds),
  clockDrill('clocks-behind', 'an hour behind', () => -hourSeconds),
  clockDrill('clocks-apart', 'an hour ahead in one poller and one producer, an hour behind in the others', (place) =>
    place.endsWith('1') ? hourSeconds : -hourSeconds,
  ),
];
