import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { backfillShare, createBackfillHttp } from '../../src/backfill/backfill-http.ts';
import type { HttpClients } from '../../src/http/undici-client.ts';
import { resolvedSource } from '../sources/resolved-source.ts';
import { createScriptedHttp } from '../sources/scripted-http.ts';

const source = resolvedSource({ type: 'custom', params: { module: './own.ts' } });
const request = { url: new URL('http://api.test/past'), accept: '*/*', credential: 'key' };

const open = (permits: number) => {
  const asked: { readonly target: string; readonly limit: number }[] = [];
  const given: Parameters<HttpClients['forPoll']>[0][] = [];
  const usedUp: unknown[] = [];
  const inner = createScriptedHttp(() => 'text');
  const http = createBackfillHttp({
    http: {
      forPoll: (poll) => {
        given.push(poll);
        return {
          fetch: (request) => inner.fetch(request),
          useUp: async (receipts) => void usedUp.push(receipts),
          distrust: async () => {},
        };
      },
    },
    rateLimit: {
      acquire: async (target, limit) => {
        asked.push({ target, limit });
        return asked.length <= permits
          ? { granted: true, ticket: 't' }
          : { granted: false, waitMs: 20_000, reason: 'used_up' };
      },
    },
    limitOf: () => 60,
  }).forPoll({ source, signal: new AbortController().signal });
  return { http, asked, given, usedUp, requests: inner.requests };
};

describe('the HTTP of a backfill', () => {
  it('is that of one, and uses nothing up', async () => {
    const { http, given, usedUp } = open(1);
    await http.useUp([{ request: 'r', answer: 'a' }]);
    expect(given).toEqual([expect.objectContaining({ source, isBackfill: true })]);
    expect(usedUp).toEqual([]);
  });

  it('sends half of what the provider allows, and then says when to come again', async () => {
    const { http, asked, requests } = open(2);
    await http.fetch(request);
    await http.fetch(request);
    const error: unknown = await http.fetch(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StreamManagerError);
    expect(error).toMatchObject({ code: 'budget_exhausted', retryAfterMs: 20_000 });
    expect(requests).toHaveLength(2);
    expect(asked.map(({ limit }) => limit)).toEqual([30, 30, 30]);
    expect(new Set(asked.map(({ target }) => target)).size).toBe(1);
    expect(asked[0]!.target).toMatch(/^backfill-/);
    expect(asked[0]!.target).not.toContain('key');
  });

  it.each([
    { limit: 1, share: 1 },
    { limit: 3, share: 1 },
    { limit: 60, share: 30 },
  ])('may make $share of $limit requests', ({ limit, share }) => {
    expect(backfillShare(limit)).toBe(share);
  });
});
