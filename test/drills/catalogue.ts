// All drills, in the order in which they run.
import { backpressureDrills } from './backpressure.ts';
import { brokerDrills } from './broker.ts';
import { clockDrills } from './clocks.ts';
import { criticalDrills } from './critical.ts';
import { destinationDrills } from './destination.ts';
import { deviceDrills } from './devices.ts';
import type { Drill } from './drill.ts';
import { killDrills } from './kill-processes.ts';
import { networkDrills } from './network.ts';
import { providerDrills } from './provider.ts';
import { redisDrills } from './redis.ts';
import { slowSourceDrills } from './slow-source.ts';
import { stopDrills } from './stop-processes.ts';
import { worldDrills } from './world-day.ts';

export const drills: readonly Drill[] = [
  ...killDrills,
  ...stopDrills,
  ...redisDrills,
  ...brokerDrills,
  ...networkDrills,
  ...destinationDrills,
  ...clockDrills,
  ...backpressureDrills,
  ...slowSourceDrills,
  ...criticalDrills,
  ...providerDrills,
  ...deviceDrills,
  ...worldDrills,
];
