import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import express, { type Router } from 'express';
import { describe, expect, it } from 'vitest';
import { composePollerWorker } from '../../../src/compose.ts';
import { createPushIntake } from '../../../src/intake/push/push-intake.ts';
import { createPolledSources } from '../../../src/polled-sources.ts';
import { createSourceRegistry } from '../../../src/sources/registry.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../../poller-bundle.ts';
import { startChild } from '../child-worker.ts';

const token = 'a-token-of-24-characters';
const patient = { timeoutMs: 60_000 };

const openPush = (params: Readonly<Record<string, unknown>> = {}, source: Readonly<Record<string, unknown>> = {}) =>
  openPollerBundle(
    {},
    { sources: { [sourceId]: { type: 'push', params: { token, id: 'id', time: 'at', ...params }, ...source } } },
  );

/** An HTTP server with these routes. */
const serve = async (routes: Router) => {
  const server = createServer(express().use(routes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/ingest/${sourceId}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A worker with its HTTP server, until the block is left. */
const startWorker = async (poller: PollerBundle) => {
  const worker = composePollerWorker(poller.context());
  await worker.start(new AbortController().signal);
  const { url, close } = await serve(worker.routes!);
  return {
    worker,
    url,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await close();
    },
  };
};

const firstMs = Date.UTC(2026, 0, 4, 9);
const row = (index: number) => ({ id: index, at: new Date(firstMs + index * 1000).toISOString(), level: index });
const rows = (first: number, count: number) => Array.from({ length: count }, (_value, index) => row(first + index));

const post = async (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: unknown; readonly retryAfter: string | null }> => {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    // Bytes and text go as they are.
    body: isRaw ? (body as string) : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json(), retryAfter: response.headers.get('retry-after') };
};

const levels = async (poller: PollerBundle): Promise<number[]> =>
  (await poller.stored()).map(({ data }) => Number(data['level'])).sort((one, other) => one - other);

const upTo = (count: number): number[] => Array.from({ length: count }, (_value, index) => index);

describe('pushed rows', () => {
  it('are in Redis when the answer is 202, and known when they are sent again', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    expect(await post(worker.url, rows(0, 3))).toMatchObject({
      status: 202,
      body: { accepted: 3, duplicates: 0, invalid: 0 },
    });
    expect(await levels(poller)).toEqual([0, 1, 2]);
    expect((await poller.stored())[0]).toMatchObject({
      type: 'record',
      sourceId,
      observedAt: '2026-01-04T09:00:00.000Z',
    });
    expect(await post(worker.url, rows(1, 3))).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicates: 2, invalid: 0 },
    });
    expect(await poller.value('records_accepted_total')).toBe(4);
    expect(await poller.value('intake_requests_total', { status: '202' })).toBe(2);
    await waitUntil(
      'what came in to be shown',
      async () => (await poller.states.read([sourceId])).get(sourceId)?.lastPoll?.outcome === 'ok',
      patient,
    );
    const state = (await poller.states.read([sourceId])).get(sourceId);
    expect(state?.answers?.newestObservedAtMs).toBe(firstMs + 3000);
  });

  const lines = rows(0, 3)
    .map((one) => JSON.stringify(one))
    .join('\n');
  it.each([
    { name: 'one object', body: row(0), accepted: 1 },
    { name: 'lines by their type', body: lines, headers: { 'content-type': 'application/x-ndjson' }, accepted: 3 },
    { name: 'lines by how they begin', body: `${lines}\r\n`, accepted: 3 },
    {
      name: 'a packed array',
      body: gzipSync(JSON.stringify(rows(0, 3))),
      headers: { 'content-encoding': 'gzip' },
      accepted: 3,
    },
    {
      name: 'an array without a type',
      body: JSON.stringify(rows(0, 2)),
      headers: { 'content-type': 'text/plain' },
      accepted: 2,
    },
  ])('may come as $name', async ({ body, headers, accepted }) => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    expect(await post(worker.url, body, headers ?? {})).toMatchObject({ status: 202, body: { accepted, invalid: 0 } });
    expect(await levels(poller)).toEqual(upTo(accepted));
  });

  it('of ids beyond 2^53 are different ones, in an array, in lines, and parsed again', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    const ids = ['9007199254740992', '9007199254740993'];
    const texts = ids.map((id) => `{"id":${id},"at":"2026-01-04T09:00:00Z"}`);
    expect(await post(worker.url, `[${texts.join()}]`)).toMatchObject({ body: { accepted: 2, duplicates: 0 } });
    expect(new Set((await poller.stored()).map(({ data }) => data['id']))).toEqual(new Set(ids));
    expect(await post(worker.url, texts.join('\n'))).toMatchObject({ body: { accepted: 0, duplicates: 2 } });
    const connector = createSourceRegistry()('push')(resolveSource(poller.config, sourceId));
    expect(connector.parseRow({ raw: texts[1]!, context: '1' })).toMatchObject({ data: { id: ids[1] } });
  });

  it('that are no records are dead letters, and can be parsed again', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    const body = `${JSON.stringify(row(0))}\nnonsense\n{"id":1}\n"text"`;
    const answer = await post(worker.url, body, { 'content-type': 'application/x-ndjson' });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0, invalid: 3 } });
    const letters = await poller.letters.getJobs(['waiting']);
    expect(new Set(letters.map((letter) => letter.data.raw))).toEqual(new Set(['"text"', 'nonsense', '{"id":1}']));
    const connector = createSourceRegistry()('push')(resolveSource(poller.config, sourceId));
    for (const { data } of letters)
      expect(connector.parseRow({ raw: data.raw!, context: data.rawContext! })).toMatchObject({ raw: data.raw });
    expect(connector.parseRow({ raw: JSON.stringify(row(0)), context: '1' })).toMatchObject({ data: row(0) });
  });

  it('without a time are known when they are sent again because no answer came, and are others later', async () => {
    await using poller = await openPush(
      { id: undefined, time: undefined },
      { queue: { maxRecords: 5, criticalReserve: 0, admitWaitMs: 100 } },
    );
    await using worker = await startWorker(poller);
    const readings = rows(0, 8).map(({ level }) => ({ level }));
    const small = readings.slice(0, 3);
    expect(await post(worker.url, small)).toMatchObject({ status: 202, body: { accepted: 3 } });
    // The queue takes 5: not all fit, whatever is in is known the next time.
    expect((await post(worker.url, readings)).status).toBe(429);
    const first = await poller.stored();
    expect((await post(worker.url, readings)).status).toBe(429);
    expect(await poller.stored()).toEqual(first);
    expect(first.length).toBeLessThanOrEqual(5);
    await using roomy = await openPush({ id: undefined, time: undefined });
    await using other = await startWorker(roomy);
    await post(other.url, small);
    await post(other.url, small);
    expect(await levels(roomy)).toEqual([0, 0, 1, 1, 2, 2]);
    const key = { 'idempotency-key': 'mine' };
    await post(other.url, [{ level: 9 }], key);
    expect(await post(other.url, [{ level: 9 }], key)).toMatchObject({ body: { accepted: 0, duplicates: 1 } });
  });
});

describe('what is refused', () => {
  it.each([
    { name: 'no token', headers: { authorization: '' }, status: 401 },
    { name: 'another token', headers: { authorization: 'Bearer a-token-of-24-character5' }, status: 401 },
    { name: 'a part of the token', headers: { authorization: 'Bearer a-token' }, status: 401 },
    { name: 'an unknown type', headers: { 'content-type': 'text/csv' }, status: 415 },
    { name: 'an unknown packing', headers: { 'content-encoding': 'zip' }, status: 415 },
    { name: 'what is not packed', headers: { 'content-encoding': 'gzip' }, status: 400 },
    { name: 'a broken array', body: '[{"id":1},', status: 400 },
    { name: 'a number', body: '7', status: 400 },
    { name: 'nothing', body: '', status: 400 },
    { name: 'no text', body: Buffer.from([0xff, 0xfe]), status: 400 },
    { name: 'too much', body: 'x'.repeat(5_000), status: 413 },
    { name: 'a bomb', body: gzipSync('x'.repeat(5_000_000)), headers: { 'content-encoding': 'gzip' }, status: 413 },
  ])('$name: $status', async ({ body, headers, status }) => {
    await using poller = await openPush({ maxBodyBytes: 4_096 });
    await using worker = await startWorker(poller);
    const answer = await post(worker.url, body ?? [row(0)], headers ?? {});
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: expect.stringMatching(/\.$|:/) });
    expect(await levels(poller)).toEqual([]);
  });

  it('an unknown source, a paused, a stopped and a disabled one, a full Redis, and a stopping process', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    const send = () => post(worker.url, [row(0)]);
    expect((await post(`${worker.url}x`, [row(0)])).status).toBe(404);
    await poller.states.setPaused(sourceId, true);
    await waitUntil('paused', async () => (await send()).status === 503, patient);
    expect((await send()).retryAfter).toBe('30');
    await poller.states.setPaused(sourceId, false);
    await poller.states.setPolls(sourceId, 'stopped');
    await waitUntil('stopped', async () => (await send()).status === 503, patient);
    await poller.states.setPolls(sourceId, 'started');
    await waitUntil('running', async () => (await send()).status === 202, patient);
    poller.memoryHigh = 'nearly full';
    expect(await send()).toMatchObject({ status: 429, retryAfter: '10' });
    poller.memoryHigh = null;
    await worker.worker.finishIntake?.();
    expect(await send()).toMatchObject({ status: 503, retryAfter: '5' });

    await using idle = await openPush({}, { enabled: false });
    await using other = await startWorker(idle);
    expect(await post(other.url, [row(0)])).toMatchObject({ status: 409, retryAfter: '300' });
  });

  it('more requests than are worked on at a time; a sender that goes away gives its place back', async () => {
    await using poller = await openPush({ maxRequests: 1 });
    await using worker = await startWorker(poller);
    const slow = request(worker.url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    slow.on('error', () => {});
    slow.write('[');
    await waitUntil('the place to be taken', async () => (await post(worker.url, [row(0)])).status === 429, patient);
    slow.destroy();
    await waitUntil('the place to be free', async () => (await post(worker.url, [row(1)])).status === 202, patient);
    expect(await levels(poller)).toEqual([1]);
  });

  it('rows for which the queue has no room, until there is', async () => {
    await using poller = await openPush(
      {},
      { queue: { maxRecords: 100, criticalReserve: 10, chunkSize: 20, admitWaitMs: 100 } },
    );
    await using worker = await startWorker(poller);
    const answer = await post(worker.url, rows(0, 150));
    expect(answer).toMatchObject({ status: 429, retryAfter: '5' });
    expect(await levels(poller)).toEqual(upTo(80));
    for (const job of await poller.records.getPrioritized()) await poller.store.settle(sourceId, job.id!, null, 20);
    expect(await post(worker.url, rows(0, 150))).toMatchObject({ status: 202, body: { accepted: 70, duplicates: 80 } });
  });
});

/** The intake alone, over an admission of the test's own. */
const openIntake = async (
  poller: PollerBundle,
  own: Partial<Parameters<typeof createPushIntake>[0]> & Pick<Parameters<typeof createPushIntake>[0], 'admitRows'>,
) => {
  const { redis, metrics, keyPrefix } = poller;
  const { logger } = poller.context();
  const intake = createPushIntake(
    {
      redis,
      metrics,
      logger,
      watch: { stateOf: () => 'running' },
      memory: { high: async () => null },
      cutSecrets: (text) => text,
      now: Date.now,
      after: () => () => {},
      nextTurn: async () => {},
      ...own,
    },
    {
      keyPrefix,
      sources: [...createPolledSources(poller.config, () => () => ({ poll: fail, parseRow: fail })).values()],
    },
  );
  await intake.start(new AbortController().signal);
  const { url, close } = await serve(intake.routes);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await close();
      await intake.stop();
    },
  };
};
const fail = (): never => {
  throw new Error('nobody polls');
};
const taken = { status: 'admitted', accepted: 1, duplicates: 0, rejected: 0 } as const;

describe('a request', () => {
  it('that was answered before its rows were in is known when it comes again', async () => {
    await using poller = await openPush({ id: undefined, time: undefined });
    const times: number[] = [];
    const slow = Promise.withResolvers<void>();
    let now = 1_000;
    const late: (() => void)[] = [];
    await using open = await openIntake(poller, {
      admitRows: async (_source, { records }) => {
        times.push(records[0]!.observedAtMs);
        await slow.promise;
        return taken;
      },
      now: () => now,
      after: (_ms, act) => {
        late.push(act);
        return () => {};
      },
    });
    const first = post(open.url, [{ level: 1 }]);
    await waitUntil('the rows to be on their way', () => times.length === 1, patient);
    for (const act of late) act();
    expect((await first).status).toBe(503);
    slow.resolve();
    now = 2_000;
    await waitUntil('the place to be free', async () => (await post(open.url, [{ level: 1 }])).status === 202, patient);
    expect(times[1]).toBe(times[0]);
    // Now it was answered with 202: what is equal from here on is another one.
    now = 3_000;
    await post(open.url, [{ level: 1 }]);
    expect(times.at(-1)).toBe(3_000);
  });

  it('has its place before anything is waited for', async () => {
    await using poller = await openPush({ maxRequests: 2 });
    const memory = Promise.withResolvers<string | null>();
    let most = 0;
    let working = 0;
    await using open = await openIntake(poller, {
      memory: { high: () => memory.promise },
      admitRows: async () => {
        working += 1;
        most = Math.max(most, working);
        await new Promise(setImmediate);
        working -= 1;
        return taken;
      },
    });
    const answers = Array.from({ length: 6 }, (_value, index) => post(open.url, [row(index)]));
    await waitUntil(
      'four to be refused',
      async () => (await poller.value('intake_requests_total', { status: '429' })) === 4,
      patient,
    );
    memory.resolve(null);
    expect((await Promise.all(answers)).map(({ status }) => status).sort((one, other) => one - other)).toEqual([
      202, 202, 429, 429, 429, 429,
    ]);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('whose body does not come does not keep the process from stopping', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    const slow = request(worker.url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    slow.write('[');
    const answer = new Promise<number | undefined>((resolve, reject) => {
      slow.on('response', (response) => resolve(response.statusCode));
      slow.on('error', reject);
    });
    await waitUntil('the worker to take it', async () => (await post(worker.url, [row(0)])).status === 202, patient);
    await worker.worker.finishIntake?.();
    expect(await answer).toBe(503);
    slow.destroy();
  });

  it('that is much too large gets its answer while it is still being sent', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    const bytes = Buffer.alloc(50_000_000, ' ');
    expect((await post(worker.url, bytes)).status).toBe(413);
    // In chunks, so that nothing says before how much it is.
    const chunked = request(worker.url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    const answer = new Promise<number | undefined>((resolve, reject) => {
      chunked.on('response', (response) => resolve(response.resume().statusCode));
      chunked.on('error', reject);
    });
    const sent = new Promise<void>((resolve) => void chunked.end(bytes, () => resolve()));
    expect(await answer).toBe(413);
    await sent;
  });

  it('of too many rows is refused, whatever form it has', async () => {
    await using poller = await openPush({ maxRows: 3 });
    await using worker = await startWorker(poller);
    const many = rows(0, 4);
    expect((await post(worker.url, many)).status).toBe(413);
    expect((await post(worker.url, many.map((one) => JSON.stringify(one)).join('\n'))).status).toBe(413);
    expect((await post(worker.url, many.slice(1))).status).toBe(202);
  });
});

describe('a body of nothing but rows that are no records', () => {
  it('becomes its letters, however many', async () => {
    await using poller = await openPush();
    await using worker = await startWorker(poller);
    // More arguments than a call may have, if they were added in one step.
    const answer = await post(worker.url, upTo(70_000));
    expect(answer).toMatchObject({ status: 202, body: { accepted: 0, invalid: 70_000 } });
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(70_000);
    expect(await poller.value('records_invalid_total', { reason: 'wrong_shape' })).toBe(70_000);
  }, 120_000);
});

describe('a worker that is killed while rows are pushed', () => {
  it('has a sender that repeats what was not answered lose and double nothing', async () => {
    await using poller = await openPush({}, { queue: { maxRecords: 100_000 } });
    const config = {
      redis: { url: poller.config.redis.url, keyPrefix: poller.keyPrefix },
      sources: {
        [sourceId]: { type: 'push', params: { token, id: 'id', time: 'at' }, queue: { maxRecords: 100_000 } },
      },
    };
    let live = await startChild(config);
    let kills = 0;
    const total = 6_000;
    /** Sends until it is answered with 202. */
    const send = (first: number): Promise<unknown> =>
      waitUntil(
        'the rows to be taken',
        async () => (await post(`${live.url}/ingest/${sourceId}`, rows(first, 50))).status === 202,
        patient,
      );
    const senders = [0, 1, 2, 3].map(async (sender) => {
      for (let first = sender * 50; first < total; first += 200) await send(first);
    });
    const killing = (async () => {
      for (const held of [500, 2_000, 4_000]) {
        await waitUntil(
          'records',
          async () => (await poller.store.counts([sourceId])).get(sourceId)!.total >= held,
          patient,
        );
        await live.kill();
        kills += 1;
        live = await startChild(config);
      }
    })();
    try {
      await Promise.all([...senders, killing]);
      expect(kills).toBe(3);
      expect(await levels(poller)).toEqual(upTo(total));
    } finally {
      await live[Symbol.asyncDispose]();
    }
  }, 120_000);
});
