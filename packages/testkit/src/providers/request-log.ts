// Who asked what and when: what a test of rate limits, conditional requests or overlapping polls looks at.
import type { FaultName, RouteKind } from './faults.ts';

export interface LoggedRequest {
  /** Epoch milliseconds (the clock's) at which the request came in. */
  readonly at: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** 0 while the answer has not begun, or if none was sent. */
  readonly status: number;
  /** `other` for addresses that no provider has. */
  readonly route: RouteKind | 'other';
  /** The headers that matter, as they came: user-agent, accept, accept-encoding, if-none-match, if-modified-since, x-api-key. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client closed the connection before the answer was sent to its end. */
  readonly aborted: boolean;
  /** Null while the answer is being sent. */
  readonly finishedAt: number | null;
  readonly fault: FaultName;
  /** Good rows in the body; 0 for a 304. */
  readonly rows: number;
  readonly bodyBytes: number;
}

export interface RequestLog {
  /** Notes the beginning of a request; the returned function adds what is known later. */
  open(
    request: Pick<LoggedRequest, 'at' | 'method' | 'path' | 'route' | 'headers'>,
  ): (more: Partial<Pick<LoggedRequest, 'status' | 'aborted' | 'finishedAt' | 'fault' | 'rows' | 'bodyBytes'>>) => void;
  /** The newest requests, oldest first. */
  all(): readonly LoggedRequest[];
  clear(): void;
}

/** Keeps the newest `limit` requests. */
export const createRequestLog = (limit: number): RequestLog => {
  let entries: LoggedRequest[] = [];
  return {
    open: (request) => {
      const entry = {
        ...request,
        status: 0,
        aborted: false,
        finishedAt: null,
        fault: 'none' as const,
        rows: 0,
        bodyBytes: 0,
      };
      entries.push(entry);
      // Cut in large steps: removing the oldest one by one would move the whole list each time.
      if (entries.length >= 2 * limit) entries = entries.slice(-limit);
      return (more) => Object.assign(entry, more);
    },
    all: () => entries.slice(-limit).map((entry) => ({ ...entry })),
    clear: () => {
      entries = [];
    },
  };
};
