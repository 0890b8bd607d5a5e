// Dead letters over the API on a real Redis: what is listed, replayed and discarded, and what is left alone.
import { deadLetterQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { addDeadLetters } from '@stream-manager/shared/queues/dead-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { jobFailsForGood } from '@stream-manager/shared/queues/job-endings';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { Worker } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { openApi } from '../api-bundle.ts';

interface Listed {
  readonly id: string;
  readonly source: string;
  readonly code: string;
}

const at = '2026-01-04T10:00:00.000Z';
const letterOf = (source: string, n: number, code: string) => ({
  jobId: `${source}-${String(n).padStart(4, '0')}-0`,
  data: {
    sourceId: source,
    code,
    reason: `refused ${n}`,
    topic: 'a-topic',
    record: { id: `record-${n}`, data: { n } },
    attempts: [{ at, error: `refused ${n}` }],
    firstFailedAt: at,
    lastFailedAt: at,
    pollId: 'poll-1',
    payloadVersion: 1,
    replays: 0,
  },
});

/** The API over sources with letters: `setup({ alerts: 5 })` has five of `alerts`, letter n of it failed at n seconds. */
const setup = async (counts: Readonly<Record<string, number>>, codes: readonly string[] = ['publish_failed']) => {
  const api = await openApi();
  const stocks = createLetterStocks(api.redis, api.keyPrefix);
  const workerOf = (source: string, run: (id: string) => void) => {
    const { name, prefix } = deadLetterQueueAddress(api.keyPrefix, source);
    const worker = new Worker(
      name,
      async (job) => {
        if (job.attemptsMade === 0) throw jobFailsForGood(String(job.data.reason));
        run(job.id ?? '');
      },
      { connection: api.redis.duplicate(), prefix, concurrency: 50 },
    );
    worker.on('error', () => {});
    return worker;
  };
  for (const [source, count] of Object.entries(counts)) {
    const queue = api.letters.get(source)!;
    const letters = Array.from({ length: count }, (_, n) => letterOf(source, n, codes[n % codes.length]!));
    await addDeadLetters(queue, letters, stocks);
    const worker = workerOf(source, () => {});
    await waitUntil('the letters to be failed', async () => (await queue.getFailedCount()) === count, {
      timeoutMs: 40_000,
    });
    await worker.close();
    const pipeline = api.redis.pipeline();
    for (const [n, { jobId }] of letters.entries()) pipeline.zadd(queue.toKey('failed'), n * 1_000, jobId);
    await pipeline.exec();
  }
  return {
    ...api,
    /** Runs replayed letters of a source, as the producers do, until it is closed. */
    run: (source: string) => {
      const replayed: string[] = [];
      const worker = workerOf(source, (id) => replayed.push(id));
      return { replayed, [Symbol.asyncDispose]: () => worker.close() };
    },
    list: async (query: string) => {
      const { status, body } = await api.call('GET', `/dead-letters${query}`);
      expect(status).toBe(200);
      return body as { total: number; waiting: number; deadLetters: readonly Listed[]; next: string | null };
    },
    act: async (act: 'replay' | 'discard', body: unknown) => {
      const answer = await api.call('POST', `/dead-letters/${act}`, body);
      expect(answer.status).toBe(200);
      return answer.body;
    },
  };
};

const idsOf = ({ deadLetters }: { readonly deadLetters: readonly Listed[] }): readonly string[] =>
  deadLetters.map(({ id }) => id);

describe('the list of dead letters', () => {
  it('is empty where there are none', async () => {
    await using part = await setup({});
    expect(await part.list('')).toEqual({ total: 0, waiting: 0, deadLetters: [], next: null });
  });

  it('has the fields of the contract', async () => {
    await using part = await setup({ alerts: 1 });
    const { deadLetters } = await part.list('');
    expect(deadLetters).toEqual([
      {
        id: 'alerts-0000-0',
        source: 'alerts',
        code: 'publish_failed',
        reason: 'refused 0',
        topic: 'a-topic',
        record: { id: 'record-0', data: { n: 0 } },
        attempts: [{ at, error: 'refused 0' }],
        firstFailedAt: at,
        lastFailedAt: at,
        replays: 0,
        replayError: null,
      },
    ]);
  });

  it('goes through all of 2,000, newest first, page by page, while letters come and go', async () => {
    await using part = await setup({ alerts: 2_000 });
    const seen: string[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const page = await part.list(`?limit=300${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...idsOf(page));
      pages += 1;
      // One that was listed already goes, and a new one comes.
      const queue = part.letters.get('alerts')!;
      await queue.remove(seen.at(-1)!);
      await part.redis.zadd(queue.toKey('failed'), 9_000_000 + pages, 'newcomer');
      cursor = page.next ?? '';
    } while (cursor !== '');
    expect(pages).toBe(7);
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, n) => letterOf('alerts', 1_999 - n, '').jobId));
  });

  it('passes over letters of one moment that fill more than a page of Redis', async () => {
    await using part = await setup({ alerts: 1_300 });
    const queue = part.letters.get('alerts')!;
    const pipeline = part.redis.pipeline();
    for (let n = 0; n < 1_300; n += 1) pipeline.zadd(queue.toKey('failed'), 7, letterOf('alerts', n, '').jobId);
    await pipeline.exec();
    const first = await part.list('?limit=1000');
    const second = await part.list(`?limit=1000&cursor=${first.next}`);
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(1_300);
    expect(second.next).toBeNull();
  });

  it('merges sources, retired ones too, and filters by source, code and time', async () => {
    await using part = await setup({ alerts: 4, gone: 3 }, ['too_large', 'publish_failed']);
    expect(idsOf(await part.list(''))).toEqual([
      'alerts-0003-0',
      'gone-0002-0',
      'alerts-0002-0',
      'gone-0001-0',
      'alerts-0001-0',
      'gone-0000-0',
      'alerts-0000-0',
    ]);
    const first = await part.list('?limit=3');
    expect(first).toMatchObject({ total: 7, next: expect.any(String) });
    expect(idsOf(await part.list(`?limit=3&cursor=${first.next}`))).toEqual([
      'gone-0001-0',
      'alerts-0001-0',
      'gone-0000-0',
    ]);
    expect(await part.list('?source=gone')).toMatchObject({ total: 3, next: null });
    const large = await part.list('?code=too_large');
    expect(large.total).toBe(4);
    expect(idsOf(large)).toEqual(['gone-0002-0', 'alerts-0002-0', 'gone-0000-0', 'alerts-0000-0']);
    const late = await part.list('?since=1970-01-01T00:00:02Z');
    expect(late.total).toBe(3);
    expect(idsOf(late)).toEqual(['alerts-0003-0', 'gone-0002-0', 'alerts-0002-0']);
    expect(await part.list('?code=publish_failed&since=1970-01-01T00:00:02Z')).toMatchObject({ total: 1 });
    expect(await part.list('?since=1h')).toMatchObject({ total: 0 });
  });

  it('counts letters that wait for their first run, and says how many they are', async () => {
    await using part = await setup({ alerts: 2 }, ['too_large']);
    const stocks = createLetterStocks(part.redis, part.keyPrefix);
    await addDeadLetters(part.letters.get('alerts')!, [letterOf('alerts', 7, 'publish_failed')], stocks);
    expect(await part.list('')).toMatchObject({ total: 3, waiting: 1, deadLetters: [{}, {}] });
    expect(await part.list('?code=publish_failed')).toMatchObject({ total: 1, waiting: 1, deadLetters: [] });
    expect((await part.call('GET', '/dead-letters/alerts/alerts-0007-0')).body).toMatchObject({ state: 'waiting' });
  });

  it('ends a page early when its letters are large', async () => {
    await using part = await setup({ alerts: 60 });
    const queue = part.letters.get('alerts')!;
    const data = JSON.stringify({ code: 'too_large', raw: 'x'.repeat(1_000_000) });
    for (let n = 0; n < 60; n += 1) await part.redis.hset(queue.toKey(letterOf('alerts', n, '').jobId), 'data', data);
    const first = await part.list('?limit=60');
    expect(first.deadLetters.length).toBe(20);
    const second = await part.list(`?limit=60&cursor=${first.next}`);
    expect(second.deadLetters[0]?.id).toBe('alerts-0039-0');
  });

  it('shows a letter whose data is damaged as raw, beside the others', async () => {
    await using part = await setup({ alerts: 2 });
    await part.redis.hset(part.letters.get('alerts')!.toKey('alerts-0001-0'), 'data', '{"half');
    const { deadLetters } = await part.list('');
    expect(deadLetters).toMatchObject([
      { id: 'alerts-0001-0', code: 'publish_failed', reason: 'refused 1', raw: '{"half' },
      { id: 'alerts-0000-0', reason: 'refused 0' },
    ]);
  });
});

describe('one dead letter', () => {
  it('is shown whole', async () => {
    await using part = await setup({ gone: 1 });
    const { status, body } = await part.call('GET', '/dead-letters/gone/gone-0000-0');
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 'gone-0000-0', state: 'failed', pollId: 'poll-1', payloadVersion: 1 });
  });

  it.each(['alerts/nobody', 'nobody/gone-0000-0', 'gone/failed', 'gone/meta'])('%s is not there: 404', async (path) => {
    await using part = await setup({ gone: 1 });
    const { status, body } = await part.call('GET', `/dead-letters/${path}`);
    expect(status).toBe(404);
    expect(body.error).toContain('there is no dead letter');
  });
});

describe('acts on dead letters', () => {
  it('tell with a dry run how many are meant, and do nothing', async () => {
    await using part = await setup({ alerts: 1_500, gone: 10 }, ['too_large', 'publish_failed']);
    expect(await part.act('replay', { all: true, dryRun: true })).toEqual({
      matched: 1_510,
      replayed: 0,
      failed: [],
      waiting: 0,
      next: null,
      until: expect.any(String),
    });
    expect(await part.act('discard', { code: 'too_large', dryRun: true })).toMatchObject({
      matched: 755,
      discarded: 0,
    });
    expect(await part.act('replay', { source: 'alerts', limit: 7, dryRun: true })).toMatchObject({ matched: 7 });
    expect(await part.act('replay', { all: true, limit: 1_200, dryRun: true })).toMatchObject({ matched: 1_200 });
    expect((await part.list('')).total).toBe(1_510);
  });

  const isTooLarge = (id: string): boolean => /[02468]-0$/.test(id);
  it.each<{ name: string; body: object; meant: (before: readonly string[]) => readonly string[] }>([
    { name: 'all of them', body: { all: true }, meant: (before) => before },
    { name: 'the newest', body: { all: true, limit: 5 }, meant: (before) => before.slice(0, 5) },
    { name: 'those of a code', body: { code: 'too_large' }, meant: (before) => before.filter(isTooLarge) },
    {
      name: 'the newest of a source and code',
      body: { source: 'gone', code: 'too_large', limit: 3 },
      meant: () => ['gone-0018-0', 'gone-0016-0', 'gone-0014-0'],
    },
    {
      name: 'some by id',
      body: { ids: ['alerts-0003-0', 'gone-0004-0'] },
      meant: () => ['alerts-0003-0', 'gone-0004-0'],
    },
  ])('are done to exactly the letters that a dry run has counted: $name', async ({ body, meant }) => {
    await using part = await setup({ alerts: 20, gone: 20 }, ['too_large', 'publish_failed']);
    const before = idsOf(await part.list(''));
    const going = meant(before);
    const counted = going.length;
    const dry = await part.act('discard', { ...body, dryRun: true });
    expect(dry).toMatchObject({ matched: counted, until: expect.any(String) });
    // Failing meanwhile: one later than all that were counted, in each source.
    for (const source of ['alerts', 'gone']) {
      const queue = part.letters.get(source)!;
      const late = letterOf(source, 9_999, 'too_large');
      await queue.add('too_large', late.data, { jobId: late.jobId, delay: 3_600_000 });
      await part.redis.zrem(queue.toKey('delayed'), late.jobId);
      await part.redis.zadd(queue.toKey('failed'), 9_000_000, late.jobId);
    }
    const { until } = dry;
    expect(await part.act('discard', { ...body, until, dryRun: true })).toMatchObject({ matched: counted });
    // Page by page, as streamctl does it, and with room for more.
    const page = { ...body, limit: Math.ceil(counted / 2), until };
    const first = await part.act('discard', page);
    const second = await part.act('discard', {
      ...page,
      limit: 1_000,
      ...(first.next === null ? {} : { cursor: first.next }),
    });
    expect([Number(first.discarded) + Number(second.discarded), second.next]).toEqual([counted, null]);
    const staying = before.filter((id) => !going.includes(id));
    expect(idsOf(await part.list(''))).toEqual(['gone-9999-0', 'alerts-9999-0', ...staying]);
  });

  it('have nothing to be bound to where nothing was counted', async () => {
    await using part = await setup({});
    expect(await part.act('discard', { all: true, dryRun: true })).toMatchObject({ matched: 0, until: null });
  });

  it('replay all of 2,000 call by call, past one that cannot be replayed, and leave what fails meanwhile', async () => {
    await using part = await setup({ alerts: 2_000 });
    const queue = part.letters.get('alerts')!;
    // Its place is there, its data is lost.
    await part.redis.del(queue.toKey('alerts-1500-0'));
    const reports: Record<string, unknown>[] = [];
    let next: unknown = null;
    do {
      const report = await part.act('replay', { all: true, ...(next === null ? {} : { cursor: next }) });
      reports.push(report);
      next = report.next;
      await part.redis.zadd(queue.toKey('failed'), 9_000_000, `newcomer-${reports.length}`);
    } while (next !== null);
    expect(reports).toMatchObject([
      {
        matched: 1_000,
        replayed: 999,
        failed: [{ id: 'alerts-1500-0', source: 'alerts', error: expect.stringContaining('lost its data') }],
      },
      { matched: 1_000, replayed: 1_000, failed: [], waiting: 999 },
    ]);
    expect(await queue.getWaitingCount()).toBe(1_999);
    expect(await part.redis.zrange(queue.toKey('failed'), 0, -1)).toEqual([
      'alerts-1500-0',
      'newcomer-1',
      'newcomer-2',
    ]);
    await using runs = part.run('alerts');
    await waitUntil('all replays to be run', () => runs.replayed.length === 1_999, { timeoutMs: 40_000 });
    expect(new Set(runs.replayed).size).toBe(1_999);
  });

  it('replay only what every filter means', async () => {
    await using part = await setup({ alerts: 6, gone: 6 }, ['too_large', 'publish_failed']);
    const report = await part.act('replay', {
      source: 'alerts',
      code: 'too_large',
      since: '1970-01-01T00:00:02Z',
      limit: 1,
    });
    expect(report).toMatchObject({ matched: 1, replayed: 1, next: expect.any(String) });
    expect(await part.letters.get('alerts')!.getWaiting()).toMatchObject([{ id: 'alerts-0004-0' }]);
    expect(await part.list('')).toMatchObject({ total: 12, waiting: 1 });
  });

  it('take letters by their ids, and name those that are not there', async () => {
    await using part = await setup({ alerts: 3, gone: 3 });
    const ids = ['gone-0001-0', 'alerts-0002-0', 'nobody', 'alerts-0000-0'];
    expect(await part.act('discard', { ids, since: '1970-01-01T00:00:01Z' })).toEqual({
      matched: 2,
      discarded: 2,
      failed: [{ id: 'nobody', source: null, error: 'there is no failed letter of this id' }],
      waiting: 0,
      next: null,
      until: null,
    });
    expect(idsOf(await part.list(''))).toEqual(['gone-0002-0', 'alerts-0001-0', 'gone-0000-0', 'alerts-0000-0']);
    expect(part.discarded).toEqual({ alerts: 1, gone: 1 });
  });

  it('discard letters with their bytes, and leave one that is being replayed', async () => {
    await using part = await setup({ alerts: 50 });
    await part.act('replay', { ids: ['alerts-0010-0'] });
    expect(await part.act('discard', { source: 'alerts' })).toMatchObject({ matched: 49, discarded: 49, waiting: 1 });
    expect(await part.list('')).toMatchObject({ total: 1, waiting: 1 });
    const stocks = createLetterStocks(part.redis, part.keyPrefix);
    const counted = await stocks.read(['alerts']);
    expect(new Map([['alerts', await stocks.measure('alerts')]])).toEqual(counted);
    expect(part.discarded).toEqual({ alerts: 49 });
    // Job ids stay free: the same letter can be added again only by a new failure.
    expect(await part.letters.get('alerts')!.getJob('alerts-0011-0')).toBeUndefined();
  });

  it.each([
    { path: '/dead-letters/replay', body: {}, text: 'all: give at least one' },
    { path: '/dead-letters/discard', body: { sorce: 'alerts', all: true }, text: 'sorce: unknown field' },
    { path: '/dead-letters/discard', body: '{"all": tru', text: 'body: ' },
    { path: '/dead-letters/replay', body: undefined, text: 'body: expected a JSON object' },
    { path: '/dead-letters/replay', body: { source: 'nobody' }, text: 'source: there is no source "nobody"' },
  ])('with $body are refused with 400', async ({ path, body, text }) => {
    await using part = await setup({});
    const answer = await part.call('POST', path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(text);
  });

  it('and lists with a bad query are refused with 400', async () => {
    await using part = await setup({});
    const answer = await part.call('GET', '/dead-letters?since=soon');
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^since: /);
  });
});
