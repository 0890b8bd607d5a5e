// The breaker of the fleet's Kafka, for the API and the metrics: each producer has its own and tells of it in its heartbeat.
import type { Facts } from '@stream-manager/shared/ops/facts';

/** State of a breaker. */
export type BreakerState = NonNullable<Facts['breaker']>;

/** Open if any is, else half open if any is, else closed (also without a producer: none has found Kafka away). Pure. */
export const fleetBreaker = (fleet: readonly Facts[]): BreakerState => {
  if (fleet.some(({ breaker }) => breaker === 'open')) return 'open';
  return fleet.some(({ breaker }) => breaker === 'half_open') ? 'half_open' : 'closed';
};
