// The memory of the HTTP client on the real Redis, around any inner client: what the tests of it have in common.
import { randomUUID } from 'node:crypto';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { after } from '@stream-manager/shared/ops/after';
import type { Redis } from 'ioredis';
import { createSecretsOfSource } from '../../src/http/access.ts';
import { createDayBudget } from '../../src/http/day-budget.ts';
import type { PollHttp } from '../../src/http/http-client.ts';
import { createJsonParser } from '../../src/http/parse-large-json.ts';
import { createRedisAnswerCache } from '../../src/http/redis-answer-cache.ts';
import { createRedisAnswerMarks } from '../../src/http/redis-answer-marks.ts';
import { createRememberingHttp } from '../../src/http/remembering-http.ts';
import { createRequestNames } from '../../src/http/request-names.ts';
import type { HttpClients } from '../../src/http/undici-client.ts';
import { dayBudgetFor } from '../../src/sources/shared-limit.ts';
import { resolvedSource } from '../sources/resolved-source.ts';

/** A source that is polled every hour, so that its cache time is what it says. */
export const pollingSource = (id: string, entry: Readonly<Record<string, unknown>> = {}): ResolvedSource =>
  resolvedSource(
    { type: 'noaa-alerts', every: '1h', baseUrl: 'http://provider.test', params: { area: 'CA' }, ...entry },
    id,
  );

export interface Memory {
  readonly keyPrefix: string;
  readonly clock: { nowMs: number };
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly warnings: { readonly fields: unknown; readonly message: string }[];
  /** Why nothing may be stored in Redis. */
  high: string | null;
  /** A process of its own around an inner client. */
  process(inner: HttpClients, options?: { readonly maxWaitMs?: number }): HttpClients;
}

/** A fleet with a fresh key prefix. Ages are by a clock of the test, `leadMs` and expiry by the real one. */
export const createMemory = (
  redis: Redis,
  options: {
    readonly leadMs?: number;
    readonly maxBytes?: number;
    readonly startMs?: number;
    readonly all?: readonly ResolvedSource[];
  } = {},
): Memory => {
  const keyPrefix = `test-${randomUUID()}`;
  const clock = { nowMs: options.startMs ?? 1_700_000_000_000 };
  const nowMs = (): number => clock.nowMs;
  const metrics = createMetrics();
  const memory: Memory = {
    keyPrefix,
    clock,
    metrics,
    warnings: [],
    high: null,
    process: (inner, processOptions) =>
      createRememberingHttp(
        inner,
        {
          cache: createRedisAnswerCache({
            redis,
            keyPrefix,
            maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
            leadMs: options.leadMs ?? 5_000,
            nowMs,
          }),
          marks: createRedisAnswerMarks({ redis, keyPrefix, nowMs }),
          budget: createDayBudget({ redis, keyPrefix, nowMs }),
          budgetOf: (source) => dayBudgetFor(source, options.all ?? []),
          jsonParser: createJsonParser(),
          secretsOfSource: createSecretsOfSource([]),
          names: createRequestNames({ version: '1' }),
          memory: { high: async () => memory.high, took: () => {} },
          metrics,
          logger: {
            debug: () => {},
            warn: (fields: unknown, message?: string) => memory.warnings.push({ fields, message: message ?? '' }),
          },
          after,
          monotonicNow: () => performance.now(),
        },
        processOptions,
      ),
  };
  return memory;
};

/** The client of one poll, with a signal that never aborts. */
export const pollWith = (clients: HttpClients, source: ResolvedSource, isBackfill = false): PollHttp =>
  clients.forPoll({ source, signal: new AbortController().signal, isBackfill });

/** What is asked, of every test. */
export const request = {
  url: new URL('http://provider.test/alerts?area=CA'),
  accept: 'application/json',
  credential: null,
};
