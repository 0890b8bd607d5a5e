// Drills that end our own processes as an operator ends them.
import { setTimeout as pause } from 'node:timers/promises';
import { type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';

/** The default of `shutdown.graceMs`, and what a process may need beside it to end. */
const graceMs = 25_000;

const fullQueues = { servers: { kafkaDelayMs: 150 }, load: { backlog: 15_000 } };

const startAgain = async (ground: Ground): Promise<void> => {
  await ground.fleet.startAll();
  ground.progress.healed();
};

const stopUnderLoad = (name: string, title: string, plan: Drill['plan'], warmUp: number): Drill => ({
  name,
  title,
  plan,
  warmUp,
  harm: async (ground) => {
    const queued = await ground.progress.queued();
    const { tookMs, codes } = await ground.fleet.stopAll('SIGTERM');
    await startAgain(ground);
    const problems: string[] = [];
    if (codes.some((code) => code !== 0)) problems.push(`exit codes ${codes.join(', ')}, not all 0`);
    if (tookMs > graceMs) problems.push(`took ${Math.round(tookMs)} ms, more than the grace period of ${graceMs} ms`);
    if (queued === 0) problems.push('the queues were empty: nothing was shown');
    return { doubled: 0, problems, note: `${queued} records queued, ended in ${(tookMs / 1_000).toFixed(1)} s` };
  },
});

export const stopDrills: readonly Drill[] = [
  stopUnderLoad('stop-full', 'SIGTERM to all processes with full queues, then started again', fullQueues, 2_000),
  {
    name: 'second-ctrl-c',
    title: 'SIGINT to all processes while Kafka does not answer, and again after 1.5 s',
    plan: { servers: { network: true }, load: { backlog: 8_000 } },
    harm: async (ground) => {
      ground.servers.network?.kafka.freeze();
      await pause(2_000);
      const first = ground.fleet.stopAll('SIGINT');
      await pause(1_500);
      const secondAt = performance.now();
      const { codes } = await ground.fleet.stopAll('SIGINT');
      const tookMs = performance.now() - secondAt;
      await first;
      // What the frozen network still held arrives after the heal, though its sender has gone.
      const doubled = await inFlight(ground, 2);
      ground.servers.network?.kafka.heal();
      await startAgain(ground);
      const problems = tookMs > 2_000 ? [`the second Ctrl-C took ${Math.round(tookMs)} ms`] : [];
      return {
        doubled,
        problems,
        note: `ended ${Math.round(tookMs)} ms after the second one, exit codes ${codes.join(' ')}`,
      };
    },
  },
];

/** The short form for `npm test`. */
export const shortStop = stopUnderLoad(
  'stop-short',
  'SIGTERM to all processes with records in the queues',
  { servers: { kafkaDelayMs: 100 }, load: { backlog: 8_000 } },
  1_000,
);
