// What the client remembers, on a real Redis around a provider in memory: who gets an answer without a request, what counts
// as used up, who fetches for whom, and what is never kept.
import { readFile } from 'node:fs/promises';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { answerCacheKeys, sourceKeys } from '@stream-manager/shared/queues/keys';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { HttpRequest, HttpResponse, PollHttp, Receipt } from '../../src/http/http-client.ts';
import { createMemory, pollingSource, pollWith, request } from './memory-bundle.ts';
import { type Said, sayVersioned, scriptedHttp } from './scripted-http.ts';

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
afterAll(() => redis.quit());

const receiptsOf = (response: HttpResponse): readonly Receipt[] => {
  const receipt = response.receipt();
  if (receipt === null) throw new Error('no receipt');
  return [receipt];
};

/** What is asked of Redis about the keys of a prefix while `act` runs. */
const commandsDuring = async (keyPrefix: string, act: () => Promise<unknown>): Promise<readonly string[]> => {
  const seen: string[] = [];
  const monitor = await redis.monitor();
  monitor.on('monitor', (_time: string, command: readonly string[]) => {
    // Not what a script calls, which is told of as well.
    if (command.some((part) => part.includes(keyPrefix))) seen.push(command.join(' '));
  });
  await act();
  await redis.get(`${keyPrefix} over`);
  await waitUntil('the last command to be told of', () => seen.at(-1)?.endsWith(' over'), { timeoutMs: 30_000 });
  monitor.disconnect();
  return seen.slice(0, -1);
};

/** What a poll of a source does: fetch, parse, and use up what it got. */
const pollAll = async (
  http: PollHttp,
  asked: HttpRequest = request,
): Promise<HttpResponse & { said: string | null }> => {
  const response = await http.fetch(asked);
  if (response.unchanged !== null) return { ...response, said: null };
  const said = await response.text();
  await http.useUp(receiptsOf(response));
  return { ...response, said };
};

const quarterOf72hMs = 18 * 3_600_000;

describe('an answer that is used up', () => {
  it('is asked for conditionally, and 304 gives nothing to parse', async () => {
    const provider = { etag: '"1"', body: '[1]' };
    const inner = scriptedHttp(sayVersioned(() => provider));
    const memory = createMemory(redis);
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    const http = memory.process(inner);
    expect((await pollAll(pollWith(http, source))).said).toBe('[1]');
    const second = await pollWith(http, source).fetch(request);
    expect(second).toMatchObject({ unchanged: 'not_modified', status: 304 });
    expect(second.receipt()).toBeNull();
    expect(await second.text()).toBe('');
    Object.assign(provider, { etag: '"2"', body: '[2]' });
    expect((await pollAll(pollWith(http, source))).said).toBe('[2]');
    expect(inner.asked.map(({ request: sent }) => sent.headers?.['if-none-match'])).toEqual([undefined, '"1"', '"1"']);
  });

  it('is one of its source: another source that asks the same gets it whole', async () => {
    const inner = scriptedHttp(sayVersioned(() => ({ etag: 'W/"1"', body: '[1]' })));
    const http = createMemory(redis).process(inner);
    const one = pollingSource('one');
    const other = pollingSource('other');
    await pollAll(pollWith(http, one));
    expect((await pollAll(pollWith(http, other))).said).toBe('[1]');
    expect((await pollWith(http, one).fetch(request)).unchanged).toBe('cached');
    expect((await pollWith(http, other).fetch(request)).unchanged).toBe('cached');
    expect(inner.asked).toHaveLength(1);
  });

  it('is parsed again when its page was not admitted, from the cache and without a condition', async () => {
    const inner = scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' })));
    const memory = createMemory(redis);
    const http = memory.process(inner);
    const source = pollingSource('a');
    const first = await pollWith(http, source).fetch(request);
    expect(await first.json()).toEqual([1]);
    const again = await pollWith(http, source).fetch(request);
    expect(again.unchanged).toBeNull();
    expect(again.headers).toEqual({ etag: '"1"', 'content-type': 'application/json' });
    expect(again.receivedAtMs).toBe(first.receivedAtMs);
    expect(await again.json()).toEqual([1]);
    memory.clock.nowMs += 60_000;
    expect(await (await pollWith(http, source).fetch(request)).json()).toEqual([1]);
    expect(inner.asked.map(({ request: sent }) => sent.headers)).toEqual([{}, {}]);
  });

  it('counts no more once another one was handed out, though nothing says what became of that', async () => {
    const provider = { etag: '"1"', body: '[1]' };
    const http = createMemory(redis).process(scriptedHttp(sayVersioned(() => provider)));
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    await pollAll(pollWith(http, source));
    Object.assign(provider, { etag: '"2"', body: '[2]' });
    await (await pollWith(http, source).fetch(request)).text();
    Object.assign(provider, { etag: '"1"', body: '[1]' });
    expect((await pollAll(pollWith(http, source))).said).toBe('[1]');
  });

  it('is not used up by the receipt of an older poll when another answer was handed out since', async () => {
    const provider = { etag: '"1"', body: '[1]' };
    const http = createMemory(redis).process(scriptedHttp(sayVersioned(() => provider)));
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    const slow = pollWith(http, source);
    const old = await slow.fetch(request);
    await old.text();
    Object.assign(provider, { etag: '"2"', body: '[2]' });
    await (await pollWith(http, source).fetch(request)).text();
    await slow.useUp(receiptsOf(old));
    Object.assign(provider, { etag: '"1"', body: '[1]' });
    expect((await pollWith(http, source).fetch(request)).unchanged).toBeNull();
  });

  it('is not used up by a receipt of another poll, nor by one that was made up', async () => {
    const http = createMemory(redis).process(scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' }))));
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    const poll = pollWith(http, source);
    const response = await poll.fetch(request);
    expect(response.receipt()).toBeNull();
    await response.text();
    const receipts = receiptsOf(response);
    await pollWith(http, source).useUp(receipts);
    await poll.useUp(receipts.map((receipt) => ({ ...receipt, answer: 'another' })));
    expect((await pollWith(http, source).fetch(request)).unchanged).toBeNull();
  });

  it('has no receipt when it was not read to its end', async () => {
    const http = createMemory(redis).process(scriptedHttp(() => ({ body: 'x'.repeat(200_000) })));
    const response = await pollWith(http, pollingSource('a')).fetch(request);
    for await (const piece of response.body) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(response.receipt()).toBeNull();
  });

  it('is fetched whole after a quarter of the dedupe window, which 304 does not prolong', async () => {
    const inner = scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' })));
    const memory = createMemory(redis);
    const http = memory.process(inner);
    const source = pollingSource('a', { cacheTtlSeconds: 0, dedupeWindowHours: 72 });
    await pollAll(pollWith(http, source));
    for (const part of [0.25, 0.5, 0.25]) {
      memory.clock.nowMs += part * quarterOf72hMs;
      expect((await pollWith(http, source).fetch(request)).unchanged).toBe('not_modified');
    }
    memory.clock.nowMs += 1;
    expect((await pollAll(pollWith(http, source))).said).toBe('[1]');
    expect((await pollWith(http, source).fetch(request)).unchanged).toBe('not_modified');
  });

  it('is fetched whole after ids were forgotten before their time', async () => {
    const memory = createMemory(redis);
    const http = memory.process(scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' }))));
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    await pollAll(pollWith(http, source));
    await redis.hincrby(sourceKeys(memory.keyPrefix, 'a').seen, 'early', 1);
    expect((await pollAll(pollWith(http, source))).said).toBe('[1]');
    expect((await pollWith(http, source).fetch(request)).unchanged).toBe('not_modified');
  });

  it('is looked through again when its source reads it in another way', async () => {
    const http = createMemory(redis).process(scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' }))));
    await pollAll(pollWith(http, pollingSource('a')));
    const changed = pollingSource('a', { params: { area: 'NV' } });
    expect((await pollAll(pollWith(http, changed))).said).toBe('[1]');
    const slower = pollingSource('a', { rateLimitPerMinute: 7, timeoutSeconds: 7 });
    expect((await pollWith(http, slower).fetch(request)).unchanged).toBe('cached');
  });

  it('goes without a condition when the provider drops its version, and with a time of change that is settled', async () => {
    const date = 'Tue, 14 Nov 2023 22:13:20 GMT';
    const earlier = 'Tue, 14 Nov 2023 22:13:19 GMT';
    const headers: Record<string, string>[] = [
      { etag: '"1"' },
      {},
      { 'last-modified': date, date },
      { 'last-modified': earlier, date },
      {},
    ];
    const inner = scriptedHttp((_, number) => ({ headers: headers[number - 1] ?? {}, body: `${number}` }));
    const http = createMemory(redis).process(inner);
    const source = pollingSource('a', { cacheTtlSeconds: 0 });
    for (const _ of headers) {
      const poll = pollWith(http, source);
      const response = await poll.fetch(request);
      await response.text();
      // What has no name is of no use to a source that caches nothing.
      const receipt = response.receipt();
      if (receipt !== null) await poll.useUp([receipt]);
    }
    expect(inner.asked.map(({ request: sent }) => sent.headers)).toEqual([
      {},
      { 'if-none-match': '"1"' },
      {},
      {},
      { 'if-modified-since': earlier },
    ]);
  });
});

describe('a source without cache whose answers have no version', () => {
  const read = async (http: PollHttp): Promise<string> => (await http.fetch(request)).text();
  const source = pollingSource('a', { cacheTtlSeconds: 0 });

  it('costs Redis nothing after its first poll in a process', async () => {
    const memory = createMemory(redis);
    const http = memory.process(scriptedHttp((_, number) => ({ body: `${number}` })));
    expect(await commandsDuring(memory.keyPrefix, () => read(pollWith(http, source)))).not.toEqual([]);
    expect(
      await commandsDuring(memory.keyPrefix, async () => {
        for (const number of [2, 3, 4]) expect(await read(pollWith(http, source))).toBe(`${number}`);
      }),
    ).toEqual([]);
  });

  it('is not taken for one that has used up an earlier answer, which had one', async () => {
    const says: Said[] = [
      { headers: { etag: '"1"' }, body: '[1]' },
      { body: '[2]' },
      { headers: { etag: '"1"' }, body: '[1]' },
      { status: 304 },
    ];
    const inner = scriptedHttp((_, number) => says[number - 1]!);
    const http = createMemory(redis).process(inner);
    await pollAll(pollWith(http, source));
    expect(await read(pollWith(http, source))).toBe('[2]');
    expect((await pollAll(pollWith(http, source))).said).toBe('[1]');
    expect((await pollAll(pollWith(http, source))).unchanged).toBe('not_modified');
    expect(inner.asked.map(({ request: sent }) => sent.headers?.['if-none-match'])).toEqual([
      undefined,
      '"1"',
      undefined,
      '"1"',
    ]);
  });
});

describe('a provider that answers 304', () => {
  it('to a request that was not conditional is at fault', async () => {
    const http = createMemory(redis).process(scriptedHttp(() => ({ status: 304 })));
    await expect(pollWith(http, pollingSource('a')).fetch(request)).rejects.toMatchObject({
      code: 'fetch_status',
      message: 'http://provider.test/alerts?area=CA answered 304 (not modified) to a request that was not conditional',
    });
  });

  it('keeps an answer of the cache alive for those who have not used it up', async () => {
    const inner = scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' })));
    const memory = createMemory(redis);
    const http = memory.process(inner);
    await pollAll(pollWith(http, pollingSource('short', { cacheTtlSeconds: 10 })));
    memory.clock.nowMs += 10_000;
    const short = await pollWith(http, pollingSource('short', { cacheTtlSeconds: 10 })).fetch(request);
    expect(short.unchanged).toBe('not_modified');
    expect((await pollAll(pollWith(http, pollingSource('short-too', { cacheTtlSeconds: 10 })))).said).toBe('[1]');
    expect(inner.asked).toHaveLength(2);
  });
});

describe('an answer in the cache', () => {
  it('is given for as long as the reader allows, from when it was asked for', async () => {
    const inner = scriptedHttp((_, number) => ({ body: `${number}` }));
    const memory = createMemory(redis);
    const http = memory.process(inner);
    const textFor = async (id: string, cacheTtlSeconds: number): Promise<string> =>
      (await pollWith(http, pollingSource(id, { cacheTtlSeconds })).fetch(request)).text();
    expect(await textFor('a', 600)).toBe('1');
    memory.clock.nowMs += 30_000;
    expect(await textFor('b', 31)).toBe('1');
    expect(await textFor('c', 30)).toBe('2');
    memory.clock.nowMs += 29_999;
    expect(await textFor('c', 30)).toBe('2');
    expect(await textFor('d', 0)).toBe('3');
  });

  it.each<{ name: string; change: Partial<HttpRequest>; entry?: Readonly<Record<string, unknown>> }>([
    { name: 'address', change: { url: new URL('http://provider.test/alerts?area=NV') } },
    { name: 'accept', change: { accept: 'text/csv' } },
    { name: 'credential', change: { credential: 'another-key' } },
    { name: 'header', change: { headers: { 'x-part': '2' } } },
    { name: 'header of the source', change: {}, entry: { headers: { 'x-key': 'abc' } } },
    { name: 'auth', change: {}, entry: { auth: { type: 'bearer', token: 'a-token-of-mine' } } },
    { name: 'body', change: { method: 'POST', body: '{}', isRepeatable: true } },
  ])('is not given to somebody who asks with another $name', async ({ change, entry }) => {
    const inner = scriptedHttp((_, number) => ({ body: `${number}` }));
    const http = createMemory(redis).process(inner);
    await (await pollWith(http, pollingSource('a')).fetch(request)).text();
    expect(await (await pollWith(http, pollingSource('b', entry)).fetch({ ...request, ...change })).text()).toBe('2');
    expect(await (await pollWith(http, pollingSource('c')).fetch(request)).text()).toBe('1');
  });

  it('is read in all four ways, small and packed', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => ({ id: index, text: 'a reading' }));
    for (const value of [[1, 2], rows]) {
      const text = JSON.stringify(value);
      const inner = scriptedHttp(() => ({ body: text }));
      const http = createMemory(redis).process(inner);
      const fetch = (id: string): Promise<HttpResponse> => pollWith(http, pollingSource(id)).fetch(request);
      expect(await (await fetch('a')).text()).toBe(text);
      expect(await (await fetch('b')).text()).toBe(text);
      expect(await (await fetch('c')).json()).toEqual(value);
      const pieces: Buffer[] = [];
      const response = await fetch('d');
      for await (const piece of response.body) pieces.push(piece);
      expect(Buffer.concat(pieces).toString()).toBe(text);
      expect(() => response.body[Symbol.asyncIterator]()).toThrow('was read already');
      const whole = await (await fetch('e')).whole();
      const blocks: Buffer[] = [];
      for await (const block of whole.blocks()) blocks.push(Buffer.from(block));
      expect(Buffer.concat(blocks).toString()).toBe(text);
      await whole.close();
      expect(inner.asked).toHaveLength(1);
    }
  });

  it('is neither taken nor left by backfills and by requests that are not made again', async () => {
    const inner = scriptedHttp((_, number) => ({ body: `${number}` }));
    const http = createMemory(redis).process(inner);
    const source = pollingSource('a');
    const textOf = async (poll: PollHttp, asked: HttpRequest): Promise<string> => {
      const response = await poll.fetch(asked);
      const text = await response.text();
      expect(response.receipt()).toBeNull();
      return text;
    };
    expect(await textOf(pollWith(http, source, true), request)).toBe('1');
    expect(await textOf(pollWith(http, source), { ...request, isRepeatable: false })).toBe('2');
    expect(await textOf(pollWith(http, source), { ...request, method: 'POST', body: '' })).toBe('3');
    expect(await (await pollWith(http, source).fetch(request)).text()).toBe('4');
    expect(inner.asked[0]?.isBackfill).toBe(true);
  });

  it('is forgotten when a poll finds that it is not what it should be', async () => {
    const inner = scriptedHttp((_, number) => ({ body: `<html>${number}` }));
    const http = createMemory(redis).process(inner);
    const poll = pollWith(http, pollingSource('a'));
    await (await poll.fetch(request)).text();
    await poll.distrust();
    expect(await (await pollWith(http, pollingSource('b')).fetch(request)).text()).toBe('<html>2');
  });
});

describe('what is not kept', () => {
  /** How often the provider was asked by two sources, one after the other. */
  const asksOf = async (said: Said, memory = createMemory(redis)): Promise<number> => {
    const inner = scriptedHttp(() => said);
    const http = memory.process(inner);
    for (const id of ['a', 'b'])
      await pollWith(http, pollingSource(id))
        .fetch({ ...request, credential: 'the-secret-key' })
        .then((response) => response.text())
        .catch(() => {});
    return inner.asked.length;
  };

  it.each<{ name: string; said: Said }>([
    { name: 'that is not to be stored', said: { headers: { 'cache-control': 'private, No-Store' }, body: '1' } },
    { name: 'above 8 MiB', said: { body: Buffer.alloc(8 * 1024 * 1024 + 1, 'x') } },
    { name: 'that repeats the credential', said: { body: `${'x'.repeat(65_530)}the-secret-key` } },
    { name: 'whose links repeat the credential', said: { headers: { link: '<?key=the-secret-key>' }, body: '1' } },
    { name: 'with another status than 200', said: { status: 203, body: '1' } },
    { name: 'that was cut off', said: { body: 'abc', isCutOff: true } },
    { name: 'that did not come', said: { fault: new StreamManagerError('fetch_timeout', 'silent') } },
  ])('is an answer $name', async ({ said }) => {
    expect(await asksOf(said)).toBe(2);
  });

  it('is any answer while Redis is nearly full', async () => {
    const memory = createMemory(redis);
    memory.high = 'full';
    expect(await asksOf({ body: '1' }, memory)).toBe(2);
    expect(await redis.keys(`${answerCacheKeys(memory.keyPrefix).entryPrefix}*`)).toEqual([]);
  });

  it('is still known when it comes again: an answer above 8 MiB is used up like any other', async () => {
    const inner = scriptedHttp(() => ({ body: Buffer.alloc(8 * 1024 * 1024 + 1, 'x') }));
    const http = createMemory(redis).process(inner);
    await pollAll(pollWith(http, pollingSource('a')));
    expect((await pollWith(http, pollingSource('a')).fetch(request)).unchanged).toBe('cached');
    expect(inner.asked).toHaveLength(1);
  });

  it('is anything secret: neither in names nor in values', async () => {
    const memory = createMemory(redis);
    const said: Said = {
      headers: { 'set-cookie': 'session=cookie-of-mine', 'x-token': 'token-of-theirs', etag: '"1"' },
      body: '[1]',
    };
    const http = memory.process(scriptedHttp(() => said));
    const source = pollingSource('a', { headers: { 'x-key': 'header-of-mine' }, dailyBudget: 10 });
    const url = new URL('http://provider.test/path-of-mine?key=the-secret-key');
    await pollAll(pollWith(http, source), { ...request, url, credential: 'the-secret-key' });
    const names = await redis.keys(`${memory.keyPrefix}*`);
    expect(names.length).toBeGreaterThan(5);
    const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
    const all = Buffer.concat([Buffer.from(names.join()), ...dumps.map((dump) => dump ?? Buffer.alloc(0))]).toString(
      'latin1',
    );
    expect(all).toContain('[1]');
    for (const secret of ['cookie-of-mine', 'token-of-theirs', 'header-of-mine', 'the-secret-key', 'path-of-mine'])
      expect(all).not.toContain(secret);
  });

  it('is more than the bound of all answers: the oldest make room', async () => {
    const memory = createMemory(redis, { maxBytes: 40_000 });
    const inner = scriptedHttp(({ url }) => ({ body: `${url.search}${'x'.repeat(9_000)}` }));
    const http = memory.process(inner);
    const fetch = async (page: number): Promise<void> => {
      memory.clock.nowMs += 1;
      const url = new URL(`http://provider.test/?${page}`);
      await (await pollWith(http, pollingSource('a')).fetch({ ...request, url })).text();
    };
    for (let page = 0; page < 12; page += 1) await fetch(page);
    const keys = answerCacheKeys(memory.keyPrefix);
    expect(await redis.keys(`${keys.entryPrefix}*`)).toHaveLength(4);
    expect(Number(await redis.hget(keys.sizes, '.total'))).toBeLessThanOrEqual(40_000);
    for (const page of [11, 10, 9, 8]) await fetch(page);
    expect(inner.asked).toHaveLength(12);
    await fetch(7);
    expect(inner.asked).toHaveLength(13);
  });
});

describe('askers at the same time', () => {
  it('wait for the one who fetches: ten over three processes are one request', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const inner = scriptedHttp(() => ({ body: '[1]', gate }));
    const memory = createMemory(redis);
    const processes = [1, 2, 3].map(() => memory.process(inner, { maxWaitMs: 60_000 }));
    const polls = Array.from({ length: 10 }, async (_, index) => {
      const http = processes[index % 3];
      if (http === undefined) throw new Error('no process');
      return (await pollWith(http, pollingSource(`source-${index}`)).fetch(request)).text();
    });
    await waitUntil('the first asks', () => inner.asked.length === 1, { timeoutMs: 30_000 });
    open();
    expect(await Promise.all(polls)).toEqual(Array.from({ length: 10 }, () => '[1]'));
    expect(inner.asked).toHaveLength(1);
  });

  it('go back to the queue after a moment, as when a host is busy', async () => {
    const never = new Promise<void>(() => {});
    const inner = scriptedHttp(() => ({ body: '[1]', gate: never }));
    const http = createMemory(redis).process(inner);
    const first = await pollWith(http, pollingSource('a')).fetch(request);
    const reading = first.body[Symbol.asyncIterator]();
    void reading.next();
    await expect(pollWith(http, pollingSource('b')).fetch(request)).rejects.toMatchObject({ code: 'host_busy' });
    expect(inner.asked).toHaveLength(1);
  });

  it('take over from one that was killed', async () => {
    const inner = scriptedHttp(() => ({ body: '[1]' }));
    const memory = createMemory(redis, { leadMs: 300 });
    // Whoever never reads on is as good as killed.
    await pollWith(memory.process(inner), pollingSource('a')).fetch(request);
    const other = memory.process(inner, { maxWaitMs: 60_000 });
    expect(await (await pollWith(other, pollingSource('b')).fetch(request)).text()).toBe('[1]');
    expect(inner.asked).toHaveLength(2);
  });

  it('do not take over from one whose provider is slow', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const inner = scriptedHttp(() => ({ body: '[1]', gate }));
    const memory = createMemory(redis);
    const slow = (await pollWith(memory.process(inner), pollingSource('a')).fetch(request)).text();
    const [lock] = await redis.keys(`${answerCacheKeys(memory.keyPrefix).lock('')}*`);
    if (lock === undefined) throw new Error('nobody leads');
    let leftMs = Number.POSITIVE_INFINITY;
    const isKeptUp = async (): Promise<boolean> => {
      const before = leftMs;
      leftMs = await redis.pttl(lock);
      return leftMs > before;
    };
    await waitUntil('the lead is kept up', isKeptUp, { timeoutMs: 30_000 });
    open();
    expect(await slow).toBe('[1]');
    expect(await redis.get(lock)).toBeNull();
  });

  it('take over at once from one that failed', async () => {
    const says: Said[] = [{ fault: new StreamManagerError('fetch_network', 'refused') }, { body: '[1]' }];
    const inner = scriptedHttp((_, number) => says[number - 1] ?? {});
    const http = createMemory(redis).process(inner);
    await expect(pollWith(http, pollingSource('a')).fetch(request)).rejects.toMatchObject({ code: 'fetch_network' });
    expect(await (await pollWith(http, pollingSource('b')).fetch(request)).text()).toBe('[1]');
  });

  it('stop waiting when their poll is stopped', async () => {
    const inner = scriptedHttp(() => ({ body: '[1]', gate: new Promise<void>(() => {}) }));
    const http = createMemory(redis).process(inner, { maxWaitMs: 60_000 });
    await pollWith(http, pollingSource('a')).fetch(request);
    const stop = new AbortController();
    const waiting = http.forPoll({ source: pollingSource('b'), signal: stop.signal }).fetch(request);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'stopped' });
  });
});

describe('metrics and docs', () => {
  it('count how each answer came', async () => {
    const memory = createMemory(redis);
    const http = memory.process(scriptedHttp(sayVersioned(() => ({ etag: '"1"', body: '[1]' }))));
    await pollAll(pollWith(http, pollingSource('a')));
    await pollAll(pollWith(http, pollingSource('b')));
    await pollAll(pollWith(http, pollingSource('a')));
    memory.clock.nowMs += 60_000;
    await pollAll(pollWith(http, pollingSource('a')));
    const { values } = await memory.metrics.answersTotal.get();
    expect(values.map(({ labels, value }) => [labels.source, labels.kind, value])).toEqual([
      ['a', 'fetched', 1],
      ['b', 'stored', 1],
      ['a', 'known', 1],
      ['a', 'not_modified', 1],
    ]);
  });

  it('the document names the bounds as they are', async () => {
    const text = await readFile(new URL('../../../../docs/http-cache.md', import.meta.url), 'utf8');
    for (const bound of ['8 MiB', '5,000 requests', '250 ms', 'polling.cacheMaxBytes']) expect(text).toContain(bound);
  });
});
