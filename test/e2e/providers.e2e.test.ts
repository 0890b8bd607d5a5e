// Short forms of the drills of providers and of devices (test/drills), each on servers of its own.
import { describe, expect, it } from 'vitest';
import { shortMqtt } from '../drills/devices.ts';
import { type Drill, runDrill } from '../drills/drill.ts';
import { shortDown, shortLimit } from '../drills/provider.ts';
import { lineOf } from '../drills/report.ts';

describe('a provider is asked as it allows, and what others send is not lost,', () => {
  it.each<{ name: string; drill: Drill; served: number }>([
    {
      name: 'six sources of four pollers want more than their limit, and many requests fail',
      drill: shortLimit,
      served: 300,
    },
    { name: 'a host of five sources answers nobody, and then again', drill: shortDown, served: 300 },
    {
      name: 'pollers are killed and the MQTT broker is started again while devices publish',
      drill: shortMqtt,
      served: 8_000,
    },
  ])('when $name', async ({ drill, served }) => {
    const outcome = await runDrill(drill, { client: 'kafkajs', seed: 1, say: () => {}, logsTo: null });
    expect(outcome.problems, lineOf(outcome)).toEqual([]);
    expect(outcome.account?.served ?? 0, lineOf(outcome)).toBeGreaterThanOrEqual(served);
  });
});
