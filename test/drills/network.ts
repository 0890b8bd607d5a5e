// Drills that harm the network between the workers and the servers.
import { setTimeout as pause } from 'node:timers/promises';
import type { Proxy } from '@stream-manager/testkit/network/proxy';
import { type Drill, inFlight } from './drill.ts';
import type { Ground } from './ground.ts';

type Server = 'redis' | 'kafka';
type Break = 'cut' | 'freeze' | 'halve';

const proxyTo = (ground: Ground, server: Server): Proxy => {
  const { network } = ground.servers;
  if (network === null) throw new Error('this drill has no network');
  return network[server];
};

const words: Readonly<Record<Break, string>> = {
  cut: 'cut (connections reset)',
  freeze: 'silent (nothing comes through, then all of it)',
  halve: 'half-open (the far side is gone, connections stay open)',
};

const networkDrill = (server: Server, how: Break, seconds: number): Drill => ({
  name: `network-${server}-${how}`,
  title: `the network to ${server === 'redis' ? 'Redis' : 'Kafka'}: ${words[how]} for ${seconds} s under load`,
  plan: { servers: { network: true } },
  harm: async (ground) => {
    const proxy = proxyTo(ground, server);
    proxy[how]();
    await pause(seconds * 1_000);
    const isFreeze = server === 'kafka' && how === 'freeze';
    const doubled = isFreeze && ground.client === 'platformatic' ? 0 : await inFlight(ground, 2);
    proxy.heal();
    ground.progress.healed();
    await ground.publishes(1_000);
    return { doubled };
  },
});

export const networkDrills: readonly Drill[] = [
  networkDrill('kafka', 'cut', 20),
  networkDrill('kafka', 'freeze', 20),
  networkDrill('kafka', 'halve', 20),
  networkDrill('redis', 'cut', 20),
  networkDrill('redis', 'freeze', 20),
  networkDrill('redis', 'halve', 20),
];
