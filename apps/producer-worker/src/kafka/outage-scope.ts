// Whether an outage concerns the cluster or one partition of it: a broker that names a partition is alive, so that the
// topics of other sources may be well. Pure.
import type { Outage } from './breaker-state.ts';

/** Kafka's names of errors that a broker gives about one partition. */
const aboutAPartition: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'KAFKA_STORAGE_ERROR',
  'LOG_DIR_NOT_FOUND',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
]);

/** The scope of an outage, by the code of its classification. */
export const outageScope = (code: string): Outage['scope'] => (aboutAPartition.has(code) ? 'partition' : 'cluster');
