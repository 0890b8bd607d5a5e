// Records that come by themselves: an intake takes them from outside and admits them as a page of a poll is admitted, with
// the same ids, limits and dead letters. It says "taken" (a PUBACK, a 202) only when every row is in Redis.
import type { Service } from '@stream-manager/shared/ops/service';

/** The intake of one process, for all its sources of a kind. `stop` hands back what is not admitted yet. */
export interface Intake extends Service {
  /** Takes nothing new; resolves when what was taken is in the queues. */
  finish(): Promise<void>;
}
