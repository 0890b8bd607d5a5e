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
  readonly lastPoll: {
    readonly at: string;
    readonly outcome: string;
    readonly records: number;
    readonly durationMs: number;
    readonly error: string | null;
  } | null;
  readonly queued: { readonly critical: number; readonly high: number; readonly normal: number; readonly low: number };
  readonly lag: { readonly records: number | null; readonly group: string | null; readonly topic: string | null };
  readonly throttle: {
    readonly action: string;
    readonly level: number;
    readonly delayMs: number;
    readonly allowedRate: number;
  };
  readonly breaker: string;
  readonly published: number;
  readonly deadLetters: number;
  readonly dropped: number;
  /** Why it polls no more although it runs: its dead letters are at their limit. Else null. */
  readonly degraded: string | null;
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
