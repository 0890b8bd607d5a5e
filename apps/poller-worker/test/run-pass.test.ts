// The order of acts of a pass: a page is in, then where the pass stands is kept, then its answers count as used up; the last
// ones only when the pass is finished.
import { configSchema } from '@stream-manager/shared/config/schema';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createMetrics } from '@stream-manager/shared/observability/metrics';
import { closedTap } from '@stream-manager/shared/queues/tap';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../src/http/http-client.ts';
import { beginPass, type Pass } from '../src/poll-passes.ts';
import { createPolledSources } from '../src/polled-sources.ts';
import { type PassEnd, runPass } from '../src/run-pass.ts';
import type { Page } from '../src/sources/source.ts';

const receipt = (answer: string): Receipt => ({ request: 'r', answer });
const page = (number: number, position: unknown, changes: Partial<Page> = {}): Page => ({
  records: [
    {
      type: 'record',
      naturalKey: `row ${number}`,
      observedAtMs: Date.UTC(2026, 0, 4, 9, number),
      data: { number },
    },
  ],
  invalid: [],
  position,
  receipts: [receipt(`answer ${number}`)],
  ...changes,
});

/** Runs a pass of these pages; `admits`: how its chunks are answered, page by page. */
const run = async (
  pages: AsyncIterable<Page> | readonly Page[],
  options: {
    readonly admits?: readonly ('stored' | 'rejected' | 'fails')[];
    readonly pass?: Partial<Pass>;
    readonly finish?: () => Promise<void>;
    readonly stop?: AbortController;
    readonly onAsking?: (signal: AbortSignal) => void;
  } = {},
): Promise<{ readonly acts: readonly string[]; readonly end: PassEnd; readonly kept: readonly Pass[] }> => {
  const acts: string[] = [];
  const kept: Pass[] = [];
  let admitted = 0;
  const config = configSchema.parse({
    sources: { stations: { type: 'noaa-stations', params: { stations: ['KSFO'] } } },
  });
  const source = createPolledSources(config, () => () => ({
    poll: async function* () {
      yield* pages;
    },
    parseRow: () => {
      throw new Error('not asked for');
    },
  })).get('stations')!;
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const deps = {
    http: {
      forPoll: ({ signal }: { readonly signal: AbortSignal }) => {
        options.onAsking?.(signal);
        return {
          fetch: async (): Promise<never> => {
            throw new Error('not asked for');
          },
          useUp: async (receipts: readonly Receipt[]) => {
            acts.push(`used up ${receipts.map(({ answer }) => answer).join(' and ')}`);
          },
          distrust: async () => void acts.push('distrusted'),
        };
      },
    },
    admission: {
      store: {
        lookup: async (_source: string, records: readonly unknown[]) => records.map(() => 'new' as const),
        admit: async ({ records }: { readonly records: readonly unknown[] }) => {
          const answer = options.admits?.[admitted] ?? 'stored';
          admitted += 1;
          acts.push(answer);
          if (answer === 'fails') throw new Error('OOM');
          return answer === 'stored'
            ? ({ status: 'stored', stored: records.length, known: 0, evicted: [] } as const)
            : ({ status: 'rejected', dropped: records.length, known: 0 } as const);
        },
        remember: async () => {},
      },
      queues: {
        addChunkJob: async () => {},
        removeEvictedJobs: async () => {},
        addFittingLetters: async () => ({ lie: [], isNew: [], full: null }),
        keepDropped: async () => ({ letters: 0, lost: 0, full: null }),
        ring: () => {},
      },
      room: { waitFor: async () => 'room' as const },
      memory: { high: async () => null, took: () => {} },
      tap: closedTap,
      metrics: createMetrics(),
      logger,
      cutSecrets: (text: string) => text,
      now: Date.now,
      monotonicNow: () => performance.now(),
    },
    cutSecrets: (text: string) => text,
    now: Date.now,
  };
  const stop = options.stop ?? new AbortController();
  const pass = { ...beginPass({ scheduledFor: 7, window: { sinceMs: null, untilMs: 7 } }), ...options.pass };
  const keeper = {
    remember: async (stands: Pass) => {
      kept.push(stands);
      acts.push(`at ${JSON.stringify(stands.position)}`);
    },
    finish: async (stands: Pass) => {
      kept.push(stands);
      acts.push('finished');
      await options.finish?.();
    },
  };
  const poll = { pollId: 'p', signal: stop.signal, lost: new AbortController().signal, progress: () => {} };
  const end = await runPass(deps, source, { pass, cursor: null, keeper }, poll);
  return { acts, end, kept };
};

describe('a pass', () => {
  it('is used up answer by answer, the last one after what the pass hands on is kept', async () => {
    const { acts, end } = await run([page(1, 'b'), page(2, 'c'), page(3, null)]);
    expect(acts).toEqual([
      'stored',
      'at "b"',
      'used up answer 1',
      'stored',
      'at "c"',
      'used up answer 2',
      'stored',
      'finished',
      'used up answer 3',
    ]);
    expect(end).toMatchObject({ kind: 'finished', pass: { records: 3, seen: { rows: 3, outcome: 'ok' } } });
  });

  it('uses up nothing from the page on of which anything was refused, and says so when it is finished', async () => {
    const { acts, kept } = await run([page(1, 'b'), page(2, 'c'), page(3, null)], { admits: ['stored', 'rejected'] });
    expect(acts).toEqual(['stored', 'at "b"', 'used up answer 1', 'rejected', 'at "c"', 'stored', 'finished']);
    expect(kept.map(({ seen }) => seen.isRefused)).toEqual([false, true, true]);
  });

  it('that goes on does not forget that rows were refused, nor the cursor that was given', async () => {
    const seen = { outcome: 'ok', rows: 9, newestObservedAtMs: 5, cursor: 'given', isRefused: true } as const;
    const { acts, end } = await run([page(3, null)], { pass: { position: 'c', records: 2, seen } });
    expect(acts).toEqual(['stored', 'finished']);
    expect(end.pass).toMatchObject({ records: 3, seen: { rows: 10, cursor: 'given', isRefused: true } });
  });

  it('that Redis refuses in the middle keeps and uses up nothing of that page', async () => {
    const { acts, end } = await run([page(1, 'b'), page(2, null)], { admits: ['stored', 'fails'] });
    expect(acts).toEqual(['stored', 'at "b"', 'used up answer 1', 'fails']);
    expect(end).toMatchObject({ kind: 'error', pass: { position: 'b', records: 1 } });
  });

  it('whose end cannot be kept is no finished one, and its last answers are not used up', async () => {
    const { acts, end } = await run([page(1, null)], {
      finish: () => Promise.reject(new StreamManagerError('cursor_too_large', 'too large')),
    });
    expect(acts).toEqual(['stored', 'finished']);
    expect(end).toMatchObject({ kind: 'error', hasFetched: true });
  });

  it.each([
    { name: 'finished', pages: [page(1, null)] },
    { name: 'refused by Redis', pages: [page(1, null)], admits: ['fails'] as const },
  ])('that is over lets go of answers that nobody read: $name', async ({ pages, ...options }) => {
    let sending = new AbortController().signal;
    let isOverTooSoon = true;
    async function* given(): AsyncGenerator<Page> {
      isOverTooSoon = sending.aborted;
      yield* pages;
    }
    await run(given(), { ...options, onAsking: (signal) => (sending = signal) });
    expect(isOverTooSoon).toBe(false);
    expect(sending.aborted).toBe(true);
  });

  it('that is stopped after its last page is not finished', async () => {
    const stop = new AbortController();
    const pages = async function* (): AsyncGenerator<Page> {
      yield page(1, null);
      stop.abort();
    };
    const { acts, end } = await run(pages(), { stop });
    expect(acts).toEqual(['stored']);
    expect(end.kind).toBe('cut_off');
  });

  it.each([
    { code: 'response_unreadable', isDistrusted: true },
    { code: 'credentials_refused', isDistrusted: true },
    { code: 'fetch_network', isDistrusted: false },
    { code: 'budget_exhausted', isDistrusted: false },
  ] as const)('that ends with $code has its answers distrusted: $isDistrusted', async ({ code, isDistrusted }) => {
    const pages = async function* (): AsyncGenerator<Page> {
      yield page(1, 'b');
      throw new StreamManagerError(code, 'no');
    };
    expect((await run(pages())).acts.includes('distrusted')).toBe(isDistrusted);
  });

  it('whose connector stumbles over an answer has its answers distrusted', async () => {
    const pages = async function* (): AsyncGenerator<Page> {
      yield page(1, 'b');
      throw new TypeError('x is not a function');
    };
    expect((await run(pages())).acts.at(-1)).toBe('distrusted');
  });
});
