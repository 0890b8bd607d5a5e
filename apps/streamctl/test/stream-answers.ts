// Parts of an answer of `GET /api/streams`, for tests that show it.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';

/** No lag was ever read. */
export const unknownLag: StreamAnswer['lag'] = {
  records: null,
  group: null,
  topic: null,
  sampledAt: null,
  ageMs: null,
  groups: [],
  abandonedGroups: [],
  trendPerSecond: null,
  drainSeconds: null,
};

/** Nothing is slowed. */
export const fullSpeed: StreamAnswer['throttle'] = {
  action: 'none',
  level: 0,
  delayMs: 0,
  allowedRate: 100_000,
  maxSendRate: 100_000,
  reason: 'lag 7 is below the target of 1,000',
  targetRecords: 1_000,
  criticalRecords: 5_000,
};

/** A running stream with nothing to tell. */
export const streamAnswer = (id: string, changes: Partial<StreamAnswer> = {}): StreamAnswer => ({
  id,
  type: 'nasa-firms',
  mode: 'batch',
  state: 'running',
  nextPollAt: null,
  lastPoll: null,
  queued: { critical: 0, high: 0, normal: 0, low: 0 },
  lag: unknownLag,
  pollDelayed: null,
  throttle: fullSpeed,
  breaker: 'closed',
  published: 0,
  deadLetters: 0,
  dropped: 0,
  degraded: null,
  schedule: { everyMs: 900_000, cron: null, tz: null },
  provider: { host: 'firms.example:443', breaker: 'closed', until: null, failures: 0, error: null },
  limits: { requestsPerMinute: 60, dailyBudget: null },
  conditions: [],
  newestObservationAt: null,
  cursor: null,
  ...changes,
});
