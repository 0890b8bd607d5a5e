// No answer is taken for old that was not wholly used up by this source since anything else was handed to it: random
// histories of a provider that changes and lies, admissions that fail, processes that are killed at any point, polls that overtake each
// other, and two sources that share the cache.
import { codeOf } from '@stream-manager/shared/failures/errors';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, expect, inject, it } from 'vitest';
import type { HttpResponse, Receipt } from '../../src/http/http-client.ts';
import { createMemory, pollingSource, pollWith, request } from './memory-bundle.ts';
import { scriptedHttp } from './scripted-http.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

type Step =
  /** The provider answers another version from now on; an old one may come back. */
  | { readonly act: 'change'; readonly version: number }
  /** The provider names its answers or not. */
  | { readonly act: 'name'; readonly by: 'etag' | 'weak' | 'time' | 'nothing' }
  | { readonly act: 'wait'; readonly seconds: number }
  /** A poll of a source that ends as said; `later`: it has read its answer, and admits it at a later `admit`. */
  | { readonly act: 'poll'; readonly source: 0 | 1; readonly end: 'used_up' | 'failed' | 'killed' | 'unread' | 'later' }
  | { readonly act: 'admit' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('change' as const), version: fc.integer({ min: 0, max: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('name' as const),
      by: fc.constantFrom('etag' as const, 'weak' as const, 'time' as const, 'nothing' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), seconds: fc.constantFrom(1, 20, 61, 3_600) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('poll' as const),
      source: fc.constantFrom(0 as const, 1 as const),
      end: fc.constantFrom(
        'used_up' as const,
        'used_up' as const,
        'failed' as const,
        'killed' as const,
        'unread' as const,
        'later' as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('admit' as const) }) },
);

/** What the model knows of a source: the answer it was handed last, and whether all of that one was used up. */
interface Seen {
  handed: string | null;
  isUsedUp: boolean;
  /** Counts what it was handed. */
  number: number;
  lookedThroughAtMs: number;
}

/** Of the sources below. */
const quarterOfWindowMs = 6 * 3_600_000;

it('takes no answer for old that its source did not wholly use up, whatever happens', async () => {
  let unchanged = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const memory = createMemory(redis, { leadMs: 1 });
      let version = 0;
      let naming: Extract<Step, { readonly act: 'name' }>['by'] = 'etag';
      const time = (at: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toUTCString();
      const body = (): string => `version ${version}`;
      const inner = scriptedHttp(({ headers: asked = {} }) => {
        const etag = `${naming === 'weak' ? 'W/' : ''}"${version}"`;
        const lastModified = time(version);
        const isNamed = naming === 'etag' || naming === 'weak';
        if (isNamed && asked['if-none-match'] === etag) return { status: 304 };
        if (naming === 'time' && asked['if-modified-since'] === lastModified) return { status: 304 };
        const headers: Record<string, string> = isNamed
          ? { etag }
          : naming === 'time'
            ? { 'last-modified': lastModified, date: time(60) }
            : {};
        return { headers, body: body() };
      });
      const processes = [memory.process(inner), memory.process(inner)];
      const sources = [0, 1].map((index) => ({
        // A long cache time, so that old answers are given; and a quarter of the window that a history reaches.
        config: pollingSource(`source-${index}`, { cacheTtlSeconds: 60, dedupeWindowHours: 24 }),
        seen: { handed: null, isUsedUp: false, number: 0, lookedThroughAtMs: 0 } as Seen,
      }));
      const late: (() => Promise<void>)[] = [];
      const wrong: unknown[] = [];

      const poll = async (
        { source: index, end }: Extract<Step, { readonly act: 'poll' }>,
        at: number,
      ): Promise<void> => {
        const source = sources[index];
        const clients = processes[at % 2];
        if (source === undefined || clients === undefined) throw new Error('no such source');
        const { seen } = source;
        const http = pollWith(clients, source.config);
        let response: HttpResponse;
        try {
          response = await http.fetch(request);
        } catch (error) {
          // The lead of a poll that was killed stands for a moment.
          if (codeOf(error) === 'host_busy') return;
          throw error;
        }
        if (response.unchanged !== null) {
          unchanged += 1;
          const isCurrent = response.unchanged === 'cached' || seen.handed === body();
          const isFresh = memory.clock.nowMs - seen.lookedThroughAtMs <= quarterOfWindowMs;
          if (!seen.isUsedUp || !isCurrent || !isFresh) wrong.push({ at, unchanged: response.unchanged, ...seen });
          return;
        }
        if (end === 'unread') return;
        const said = await response.text();
        Object.assign(seen, { handed: said, isUsedUp: false, lookedThroughAtMs: memory.clock.nowMs });
        seen.number += 1;
        const { number } = seen;
        const receipts: Receipt[] = [response.receipt()].filter((receipt) => receipt !== null);
        const useUp = async (): Promise<void> => {
          // What was handed out since may have been admitted in part: this one is not the last any more.
          if (number === seen.number) seen.isUsedUp = true;
          await http.useUp(receipts);
        };
        if (end === 'used_up') await useUp();
        if (end === 'later') late.push(useUp);
      };

      for (const [at, each] of steps.entries()) {
        if (each.act === 'change') version = each.version;
        else if (each.act === 'name') naming = each.by;
        else if (each.act === 'wait') memory.clock.nowMs += each.seconds * 1_000;
        else if (each.act === 'poll') await poll(each, at);
        else await late.shift()?.();
      }
      expect(wrong).toEqual([]);
    }),
    { numRuns: 150 },
  );
  // The histories are such that it happens.
  expect(unchanged).toBeGreaterThan(100);
});
