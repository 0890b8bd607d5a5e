// The scheduler's HTTP API, from outside: used by streamctl and by the live view of `npm start`.

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
  const authorization = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;
  const get = async (path: string): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetch(new URL(path, access.url), {
        headers: { authorization, accept: 'application/json' },
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      throw new Error(`the API at ${access.url} does not answer`, { cause: error });
    }
    if (response.status === 401) throw new Error(`the API at ${access.url} refused user and password`);
    if (!response.ok) throw new Error(`the API at ${access.url} answered ${response.status} to ${path}`);
    return response.json();
  };
  return {
    // Both answers are the contract of our own API.
    streams: async () => (await get('/api/streams')) as StreamsAnswer,
    health: async () => (await get('/api/health')) as HealthAnswer,
  };
};
