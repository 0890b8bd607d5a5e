// The lag sample as one process of the fleet does it: a sampler with its lease and its timer, which can be killed.
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import { after } from '@stream-manager/shared/ops/after';
import type { Service } from '@stream-manager/shared/ops/service';
import { createFleetAct, leaseIntervals } from '../../src/fleet/fleet-act.ts';
import { createLease } from '../../src/fleet/lease.ts';
import { silent } from '../chunks.ts';
import type { SamplerFleet, SamplerUnderTest } from './sampler-bundle.ts';

export interface SamplerProcess {
  readonly name: string;
  readonly sampler: SamplerUnderTest;
  readonly act: Service;
  /** From now on it does nothing any more, and its lease stays until its end. */
  kill(): void;
}

/** Key of the lease for which the processes of a fleet compete. */
export const leaseKey = ({ keyPrefix }: SamplerFleet): string => `${keyPrefix}:lease`;

export const samplerProcess = (
  fleet: SamplerFleet,
  options: {
    readonly name: string;
    readonly intervalMs: number;
    /** Default: as the producers have it. */
    readonly ttlMs?: number;
    readonly admin?: KafkaAdminPort;
  },
): SamplerProcess => {
  const { name, intervalMs, ttlMs = leaseIntervals * intervalMs, admin } = options;
  const sampler = fleet.sampler(admin === undefined ? {} : { admin });
  let isKilled = false;
  const act = createFleetAct(
    {
      lease: createLease(fleet.redis, { key: leaseKey(fleet), holder: name, ttlMs }),
      act: sampler.sample,
      logger: silent,
      after: (delayMs, then) =>
        after(delayMs, () => {
          if (!isKilled) then();
        }),
      now: () => performance.now(),
    },
    { name: 'lag sample', intervalMs },
  );
  return {
    name,
    sampler,
    act,
    kill: () => {
      isKilled = true;
    },
  };
};
