// The API as the commands on sources use it (the contract in docs/http-api.md).
import { createApiClient, type StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { type ApiEvent, apiEvents } from '@stream-manager/shared/ops/api-events';
import { createApiRequest } from '@stream-manager/shared/ops/api-request';
import type { ApiAccess } from '@stream-manager/shared/ops/data-directory';
import type { BackfillView } from '@stream-manager/shared/queues/backfills';

/** A cursor. */
export interface CursorAnswer {
  readonly id: string;
  readonly value: unknown;
  readonly until: string | null;
  readonly at: string | null;
  readonly by: string | null;
  readonly version: number;
}

/** What a cursor is set to. */
export type CursorChange = { readonly value: unknown } | { readonly until: string };

/** What became of a poll that was asked for. */
export interface PollAnswer {
  readonly id: string;
  readonly state: string;
  readonly poll: 'queued' | 'promoted' | 'running';
  readonly deferred?: string;
}

/** A backfill that was asked for. */
export interface BackfillAnswer {
  readonly id: string;
  readonly backfillId: string;
  readonly backfill: 'queued' | 'exists';
}

/** The API, in the words of the commands. Each rejects with one sentence. */
export interface OperatorApi {
  streams(): Promise<readonly StreamAnswer[]>;
  /** What the day has cost so far, by source; those without a count are left out. */
  budgetsUsed(): Promise<ReadonlyMap<string, number>>;
  poll(sourceId: string): Promise<PollAnswer>;
  cursor(sourceId: string): Promise<CursorAnswer>;
  setCursor(sourceId: string, change: CursorChange, version: number | null): Promise<CursorAnswer>;
  resetCursor(sourceId: string, version: number | null): Promise<CursorAnswer>;
  backfill(sourceId: string, from: string, to: string): Promise<BackfillAnswer>;
  backfills(sourceId: string): Promise<readonly BackfillView[]>;
  cancelBackfill(sourceId: string, backfillId: string): Promise<void>;
  /** Events of a tap, until the server ends it or `signal` aborts. */
  tap(
    sourceId: string,
    after: string,
    options: { readonly signal: AbortSignal; readonly onOpen: () => void },
  ): AsyncIterable<ApiEvent>;
}

const timeoutMs = 10_000;

interface MetricsAnswer {
  readonly metrics: readonly {
    readonly name: string;
    readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number | string }[];
  }[];
}

/** Every process shows what it last knew of a budget that all share: the highest is the newest. Pure. */
export const highestBySource = ({ metrics }: MetricsAnswer, name: string): ReadonlyMap<string, number> => {
  const highest = new Map<string, number>();
  for (const { labels, value } of metrics.find((metric) => metric.name === name)?.samples ?? []) {
    const source = labels['source'];
    if (source !== undefined && typeof value === 'number')
      highest.set(source, Math.max(value, highest.get(source) ?? value));
  }
  return highest;
};

/** Creates the access. */
export const createOperatorApi = (access: ApiAccess): OperatorApi => {
  const request = createApiRequest(access, timeoutMs);
  const at = (sourceId: string, rest: string): string => `/api/streams/${encodeURIComponent(sourceId)}/${rest}`;
  const ofVersion = (version: number | null): { readonly version?: number } => (version === null ? {} : { version });
  return {
    // All answers are the contract of our own API.
    streams: async () => (await createApiClient(access, timeoutMs).streams()).streams,
    budgetsUsed: async () =>
      highestBySource((await request('GET', '/api/metrics')) as MetricsAnswer, 'stream_manager_day_budget_used'),
    poll: async (id) => (await request('POST', at(id, 'poll'))) as PollAnswer,
    cursor: async (id) => (await request('GET', at(id, 'cursor'))) as CursorAnswer,
    setCursor: async (id, change, version) =>
      (await request('PUT', at(id, 'cursor'), { ...change, ...ofVersion(version) })) as CursorAnswer,
    resetCursor: async (id, version) =>
      (await request('DELETE', at(id, `cursor${version === null ? '' : `?version=${version}`}`))) as CursorAnswer,
    backfill: async (id, from, to) => (await request('POST', at(id, 'backfill'), { from, to })) as BackfillAnswer,
    backfills: async (id) =>
      ((await request('GET', at(id, 'backfills'))) as { readonly backfills: readonly BackfillView[] }).backfills,
    cancelBackfill: async (id, backfillId) => {
      await request('DELETE', at(id, `backfills/${encodeURIComponent(backfillId)}`));
    },
    tap: (id, after, options) => apiEvents(access, at(id, `tap?after=${after}`), options),
  };
};
