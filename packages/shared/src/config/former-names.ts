// What the keys and values of the Python system that this one replaces are called here. Nobody reads that documentation
// twice: a file that is brought over gets the new name in the error about the old one.

/** Old key (in any spelling) → the key path here. Used only for keys that are unknown where they stand. */
export const formerKeys: Readonly<Record<string, string>> = {
  bootstrap_servers: 'kafka.brokers',
  compression_type: 'kafka.compression',
  linger_ms: 'kafka.batchTimeoutMs',
  max_retries: 'delivery.maxAttempts',
  retry_backoff_base: 'delivery.backoffMs',
  window_size_seconds: 'throttling.windowSeconds',
  queue_max_size: 'queue.maxRecords',
  queue_overflow_strategy: 'queue.overflow',
  enable_dlq: 'delivery.deadLetters',
  dlq_retry_attempts: 'delivery.maxAttempts',
  dlq_retry_delay: 'delivery.backoffMs',
  max_consecutive_failures: 'delivery.circuitBreaker.threshold',
  circuit_breaker_timeout: 'delivery.circuitBreaker.resetMs',
  batch_timeout: 'kafka.batchTimeoutMs',
  max_concurrent_streams: 'polling.concurrency',
  custom_topic_mappings: 'routing.custom',
  priority_sources: 'sources.<id>.priority',
  source_type: 'sources.<id>.type',
  custom_params: 'sources.<id>.params',
  ingestion: 'sources.<id>.mode and every',
  polling_interval_seconds: 'sources.<id>.every',
  schedule_interval_seconds: 'sources.<id>.every',
  max_records_per_poll: 'queue.chunkSize',
  buffer_size: 'queue.chunkSize',
  buffer_flush_interval_seconds: 'kafka.batchTimeoutMs',
};

/** Old value → value here, for the fields that are a choice. */
export const formerValues: Readonly<Record<string, string>> = {
  continuous_streaming: 'continuous',
  drop_newest: 'reject',
  block: 'backpressure',
};
