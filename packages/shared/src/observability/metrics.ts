// Every metric of the system, declared once. Counters of work sit on the process that does it; state that is the
// fleet's (queue, lag, throttle, breaker) is set by the scheduler. docs/metrics.md is checked against this table.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const prefix = 'stream_manager_';
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Creates all metrics on one registry. `defaults`: also the Node process metrics (once per process). */
export const createMetrics = (registry: Registry = new Registry(), options: { readonly defaults?: boolean } = {}) => {
  if (options.defaults) collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `${prefix}${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `${prefix}${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram({
      name: `${prefix}${name}`,
      help,
      labelNames: [...labelNames],
      buckets: seconds,
      registers: [registry],
    });
  const metrics = {
    registry,
    /** Run before every scrape, for gauges that are read rather than counted. */
    beforeScrape: new Set<() => Promise<void>>(),
    pollsTotal: counter('polls_total', 'Polls by their outcome.', ['source', 'outcome']),
    recordsAcceptedTotal: counter('records_accepted_total', 'Records stored in a queue.', ['source']),
    recordsDuplicateTotal: counter('records_duplicate_total', 'Records of an answer that were known already.', [
      'source',
    ]),
    recordsInvalidTotal: counter('records_invalid_total', 'Rows that are no record, each counted once.', [
      'source',
      'reason',
    ]),
    recordsPublishedTotal: counter('records_published_total', 'Records acknowledged by Kafka.', ['source', 'topic']),
    recordsDroppedTotal: counter('records_dropped_total', 'Records dropped by an overflow that drops.', [
      'source',
      'priority',
      'reason',
    ]),
    deadLettersTotal: counter('dead_letters_total', 'Dead letters added.', ['source', 'code']),
    deadLettersExpiredTotal: counter(
      'dead_letters_expired_total',
      'Dead letters removed because they lay longer than delivery.deadLetters.keepDays.',
      ['source'],
    ),
    deadLettersDiscardedTotal: counter(
      'dead_letters_discarded_total',
      'Dead letters discarded by an operator, by API or streamctl.',
      ['source'],
    ),
    timestampsReplacedTotal: counter(
      'timestamps_replaced_total',
      'Records whose event time lay more than an hour ahead or outside what the topic takes, published with another time.',
      ['source'],
    ),
    queueRecords: gauge('queue_records', 'Records waiting, delayed or held.', ['source', 'priority']),
    consumerLagRecords: gauge('consumer_lag_records', 'End offset minus committed offset, summed over partitions.', [
      'source',
      'group',
      'topic',
    ]),
    lagSampleAgeSeconds: gauge(
      'lag_sample_age_seconds',
      'Age of the last lag sample, of the enabled source whose sample is oldest.',
      [],
    ),
    consumerLagDrainSeconds: gauge(
      'consumer_lag_drain_seconds',
      'Time until the worst group is through with its lag at the rate at which it reads now; +Inf while it reads nothing, absent while unknown.',
      ['source'],
    ),
    throttleLevel: gauge('throttle_level', 'Throttle level, 0 to 4.', ['source']),
    throttleDelaySeconds: gauge(
      'throttle_delay_seconds',
      'Pause between two batches of the source over the whole fleet, and before its polls; 0 unless it is throttled.',
      ['source'],
    ),
    allowedRecordsPerSecond: gauge('allowed_records_per_second', 'Send rate allowed to the fleet.', ['source']),
    dedupeEarlyRotations: gauge(
      'dedupe_early_rotations',
      'Times that remembered ids were forgotten before their window had passed, because queue.dedupeMaxIds was reached.',
      ['source'],
    ),
    deadLettersExpiring: gauge('dead_letters_expiring', 'Dead letters that expire within a day.', ['source']),
    redisMemoryUsedRatio: gauge(
      'redis_memory_used_ratio',
      'Memory that Redis uses, as a share of its maxmemory, or of the machine if that is 0.',
      [],
    ),
    breakerOpen: gauge(
      'breaker_open',
      '1 while the breaker of a target is open or half open: kafka, and host:port of each provider.',
      ['target'],
    ),
    newestObservationAgeSeconds: gauge(
      'newest_observation_age_seconds',
      'Age of the newest observation of the last answer that had records.',
      ['source'],
    ),
    sourceCondition: gauge('source_condition', '1 while a source is in that state, else 0.', ['source', 'state']),
    fetchSeconds: histogram('fetch_seconds', 'One exchange with a provider.', ['source']),
    answersTotal: counter(
      'answers_total',
      'Answers that sources were given: fetched, not_modified (304), stored (another poll had fetched it), known (as stored, and used up before).',
      ['source', 'kind'],
    ),
    intakeMessagesTotal: counter('intake_messages_total', 'MQTT messages that were delivered, again included.', [
      'source',
    ]),
    intakeSessions: gauge('intake_sessions', 'MQTT sessions that this process has connected.', ['source']),
    intakeUnacknowledged: gauge('intake_unacknowledged', 'MQTT messages that are taken and not acknowledged yet.', [
      'source',
    ]),
    intakeRequestsTotal: counter('intake_requests_total', 'Requests to push records, by the status of the answer.', [
      'source',
      'status',
    ]),
    dayBudgetUsed: gauge(
      'day_budget_used',
      "What this UTC day has cost so far, in the provider's unit, over all who share the budget.",
      ['source'],
    ),
    dayBudgetLimit: gauge('day_budget_limit', 'What a UTC day may cost; absent without dailyBudget.', ['source']),
    queueWaitSeconds: histogram('queue_wait_seconds', 'From admission until a producer took the chunk.', [
      'source',
      'priority',
    ]),
    publishSeconds: histogram('publish_seconds', 'One publish to Kafka, until acknowledged.', ['topic']),
    endToEndSeconds: histogram('end_to_end_seconds', 'From fetched until acknowledged by Kafka.', [
      'source',
      'priority',
    ]),
  };
  // prom-client starts a gauge without labels at 0; these are not there until there is a sample.
  metrics.lagSampleAgeSeconds.remove();
  metrics.redisMemoryUsedRatio.remove();
  return metrics;
};

/** All metrics of a process. */
export type Metrics = ReturnType<typeof createMetrics>;
