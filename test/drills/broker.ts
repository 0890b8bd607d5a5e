// Drills that harm Kafka's brokers.
import { setTimeout as pause } from 'node:timers/promises';
import { type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';

const killAndStart = async (ground: Ground, awayMs: number): Promise<number> => {
  await ground.servers.broker.kill('SIGKILL');
  const doubled = await inFlight(ground, 2);
  await pause(awayMs);
  await ground.servers.broker.start();
  ground.progress.healed();
  await ground.publishes(1_000);
  return doubled;
};

export const brokerDrills: readonly Drill[] = [
  {
    name: 'broker-kill',
    title: 'the Kafka broker: SIGKILL under load and started again, 3 times',
    plan: { servers: { kafkaDelayMs: 60 } },
    harm: async (ground) => {
      let doubled = 0;
      for (let kill = 0; kill < 3; kill += 1) {
        await pause(ground.random.int(0, 1_500));
        doubled += await killAndStart(ground, 3_000);
      }
      return { doubled };
    },
  },
  {
    name: 'broker-freeze-45s',
    title: 'the Kafka broker: frozen (SIGSTOP) for 45 s under load',
    plan: {},
    harm: async (ground) => {
      await ground.servers.broker.kill('SIGSTOP');
      await pause(45_000);
      // What was sent into the frozen broker lies in its connections and is written when it thaws.
      const doubled = ground.client === 'platformatic' ? 0 : await inFlight(ground, 2);
      await ground.servers.broker.kill('SIGCONT');
      ground.progress.healed();
      await ground.publishes(1_000);
      return { doubled };
    },
  },
  {
    name: 'broker-away-at-start',
    title: 'the Kafka broker: away when all processes start, there 20 s later',
    plan: {},
    warmUp: 0,
    prepare: (ground) => ground.servers.broker.kill('SIGKILL'),
    harm: async (ground) => {
      await pause(20_000);
      await ground.servers.broker.start();
      ground.progress.healed();
      await ground.publishes(1_000);
      return { doubled: 0 };
    },
  },
  {
    name: 'cluster-one-of-three',
    title: 'one of three brokers (min.insync.replicas=2): SIGKILL under load, away for 20 s',
    plan: { servers: { kafka: 'cluster' } },
    harm: async (ground) => {
      const [, second] = ground.servers.brokers;
      await second?.kill('SIGKILL');
      const doubled = await inFlight(ground, 2);
      const killedAt = performance.now();
      ground.progress.healed(); // two are enough: from here it must go on
      await ground.publishes(2_000);
      const goesOnMs = performance.now() - killedAt;
      await pause(Math.max(0, 20_000 - goesOnMs));
      await second?.start();
      await ground.publishes(1_000);
      return { doubled, note: 'times are from the kill: two brokers must be enough' };
    },
  },
  {
    name: 'cluster-two-of-three',
    title: 'two of three brokers (min.insync.replicas=2): SIGKILL under load, away for 20 s',
    plan: { servers: { kafka: 'cluster' } },
    harm: async (ground) => {
      const [, second, third] = ground.servers.brokers;
      await second?.kill('SIGKILL');
      let doubled = await inFlight(ground, 2);
      await pause(2_000);
      await third?.kill('SIGKILL');
      doubled += await inFlight(ground, 2);
      await pause(20_000);
      await Promise.all([second?.start(), third?.start()]);
      ground.progress.healed();
      await ground.publishes(1_000);
      return { doubled };
    },
  },
];

/** The short form for `npm test`. */
export const shortBroker: Drill = {
  name: 'broker-short',
  title: 'the Kafka broker: SIGKILL under load and started again',
  plan: {},
  harm: async (ground) => ({ doubled: await killAndStart(ground, 1_000) }),
};
