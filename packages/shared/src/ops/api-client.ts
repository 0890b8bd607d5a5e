// The scheduler's HTTP API, from outside: used by streamctl and by the live view of `npm start`.
import { createApiRequest } from './api-request.ts';
import type { ApiAccess } from './data-directory.ts';
import type { Heartbeat } from './heartbeat.ts';

/** One stream as `GET /api/streams` answers it (the contract in docs/http-api.md). */
export interface StreamAnswer {
  readonly id: string;
  readonly type: string;
  readonly mode: string;
  readonly state: string;
  readonly nextPollAt: string | null;
  /** Why its next poll waits, and until when; null unless it does. */
  readonly pollDelayed: {
    readonly by: string;
    readonly reason: string;
    readonly since: string;
    readonly until: string;
  } | null;
  readonly lastPoll: {
    readonly at: string;
    readonly outcome: string;
    readonly records: number;
    readonly durationMs: number;
    readonly error: string | null;
  } | null;
  readonly queued: { readonly critical: number; readonly high: number; readonly normal: number; readonly low: number };
  readonly lag: {
    /** Of the worst group; null when unknown, or when the sample is older than 30 s. */
    readonly records: number | null;
    readonly group: string | null;
    readonly topic: string | null;
    readonly sampledAt: string | null;
    /** Time since that sample, in milliseconds; null without one. */
    readonly ageMs: number | null;
    readonly groups: readonly {
      readonly group: string;
      readonly topic: string;
      readonly records: number;
      /** Records that retention deleted before the group had read them. */
      readonly lostToRetention: number;
    }[];
    /** Groups left out because their commits have not moved for a day. */
    readonly abandonedGroups: readonly string[];
    /** Above 0 = the lag grows, in records/s; null when unknown. */
    readonly trendPerSecond: number | null;
    /** Null when unknown; also null, with a known trend, when there is lag and nothing is read. */
    readonly drainSeconds: number | null;
  };
  readonly throttle: {
    readonly action: string;
    readonly level: number;
    /** Pause between two batches of the source over the fleet. */
    readonly delayMs: number;
    /** Records/s of the source over the fleet. */
    readonly allowedRate: number;
    /** What it is without a throttle. */
    readonly maxSendRate: number;
    /** Why, as a clause. */
    readonly reason: string;
    /** The thresholds in records as they are now; null when not known yet. */
    readonly targetRecords: number | null;
    readonly criticalRecords: number | null;
  };
  readonly breaker: string;
  readonly published: number;
  readonly deadLetters: number;
  readonly dropped: number;
  /** Why it polls no more although it runs: its dead letters are at their limit. Else null. */
  readonly degraded: string | null;
  /** Null: it is not polled. */
  readonly schedule: {
    readonly everyMs: number | null;
    readonly cron: string | null;
    readonly tz: string | null;
  } | null;
  /** Null without a host to ask. */
  readonly provider: {
    /** `host:port`. */
    readonly host: string;
    readonly breaker: string;
    readonly until: string | null;
    /** Polls in a row without an answer, and what the last of them ended with. */
    readonly failures: number;
    readonly error: string | null;
  } | null;
  readonly limits: { readonly requestsPerMinute: number; readonly dailyBudget: number | null } | null;
  /** What is odd about its answers, although its provider answers. */
  readonly conditions: readonly { readonly state: string; readonly since: string; readonly message: string }[];
  readonly newestObservationAt: string | null;
  readonly cursor: { readonly until: string | null; readonly at: string | null; readonly by: string | null } | null;
}

/** The answer of `GET /api/streams`. */
export interface StreamsAnswer {
  readonly configVersion: string;
  readonly streams: readonly StreamAnswer[];
}

/** The answer of `GET /api/health`. */
export interface HealthAnswer {
  readonly ready: boolean;
  readonly phase: string;
  readonly problems: Readonly<Record<string, string>>;
  readonly fleet: readonly Heartbeat[];
  readonly topics: {
    readonly problem: string | null;
    readonly differences: Readonly<Record<string, readonly string[]>>;
  };
}

/** Asks one API. Rejects with a sentence that names the address and what went wrong. */
export interface ApiClient {
  streams(): Promise<StreamsAnswer>;
  health(): Promise<HealthAnswer>;
}

/** Creates a client; every request is given up after `timeoutMs` (default 5 s). */
export const createApiClient = (access: ApiAccess, timeoutMs = 5_000): ApiClient => {
  const request = createApiRequest(access, timeoutMs);
  return {
    // Both answers are the contract of our own API.
    streams: async () => (await request('GET', '/api/streams')) as StreamsAnswer,
    health: async () => (await request('GET', '/api/health')) as HealthAnswer,
  };
};
