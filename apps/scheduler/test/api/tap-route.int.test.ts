import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@stream-manager/shared/observability/logger';
import { createTap, tapStages } from '@stream-manager/shared/queues/tap';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { createTaps, mostTaps } from '../../src/api/tap-route.ts';
import { openApi } from './api-bundle.ts';

type Api = Awaited<ReturnType<typeof openApi>>;

/** Taps, and gathers what comes. */
const openTap = async (part: Api, after: string, id = 'alerts') => {
  const gone = new AbortController();
  const response = await fetch(`${part.url}/streams/${id}/tap?after=${after}`, { signal: gone.signal });
  const state = { text: '', isEnded: false };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) state.text += decoder.decode(chunk, { stream: true });
  };
  const reading = read()
    .catch(() => {})
    .then(() => (state.isEnded = true));
  const events = () =>
    [...state.text.matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)].map(([, event, data]) => [event, JSON.parse(data!)]);
  return { response, events, state, reading, leave: () => gone.abort() };
};

/** A process that works on records: it has looked who taps. */
const openWorker = async (part: Api) => {
  const tap = createTap({ redis: part.redis, logger: { debug: () => {} }, now: () => 0 }, part);
  await tap.look();
  return tap;
};

describe('the address of a tap', () => {
  it('gives what passes the border of the source, for as long as the client stays', async () => {
    await using part = await openApi();
    for (const after of tapStages) {
      const tap = await openTap(part, after);
      expect(tap.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      const worker = await openWorker(part);
      for (const stage of tapStages) worker.show('alerts', stage, [1, 2], (number) => ({ stage, number }));
      worker.show('off', after, [3], (number) => ({ number }));
      await waitUntil('two records', () => tap.events().length >= 2, { timeoutMs: 30_000 });
      expect(tap.events()).toEqual([1, 2].map((number) => ['record', { stage: after, number }]));
      tap.leave();
      await waitUntil('the end of the tap', () =>
        part
          .logged()
          .some((line) => JSON.stringify(line).includes('tap ended') && JSON.stringify(line).includes(after)),
      );
    }
    expect(await part.redis.zcard(`${part.keyPrefix}:{poll}:tapped`)).toBe(0);
    expect(part.logged()[0]).toMatchObject({ msg: 'tap begun', sourceId: 'alerts', after: 'parse', user: 'ann' });
  });

  it('says how many records are not shown', async () => {
    await using part = await openApi();
    const tap = await openTap(part, 'dedupe');
    const worker = await openWorker(part);
    worker.show(
      'alerts',
      'dedupe',
      Array.from({ length: 5_000 }, (_, index) => index),
      (index) => ({ index }),
    );
    await waitUntil('the count', () => tap.events().some(([event]) => event === 'skipped'), { timeoutMs: 30_000 });
    expect(tap.events().filter(([event]) => event === 'record')).toHaveLength(100);
    expect(tap.events().at(-1)).toEqual(['skipped', { records: 4_900 }]);
    tap.leave();
  });

  it('ends when the scheduler stops, and says so', async () => {
    await using part = await openApi();
    const tap = await openTap(part, 'route');
    part.taps.end();
    await tap.reading;
    expect(tap.events()).toEqual([['end', { reason: 'the scheduler stops' }]]);
  });

  it('is open so many times at once, and again when one has ended', async () => {
    await using part = await openApi();
    const taps = await Promise.all(Array.from({ length: mostTaps }, () => openTap(part, 'parse')));
    const refused = await part.call('GET', '/streams/alerts/tap?after=parse');
    expect(refused).toMatchObject({ status: 409, body: { error: expect.stringContaining('10 taps are open') } });
    taps[0]?.leave();
    await waitUntil(
      'a place',
      async () => {
        const next = await openTap(part, 'parse');
        next.leave();
        return next.response.status === 200;
      },
      { timeoutMs: 30_000 },
    );
    for (const tap of taps) tap.leave();
  });

  it('refuses a border and a source that there are none of', async () => {
    await using part = await openApi();
    const none = await part.call('GET', '/streams/alerts/tap');
    expect(none).toEqual({ status: 400, body: { error: 'after: expected one of parse, dedupe, route, not nothing' } });
    expect(await part.call('GET', '/streams/alerts/tap?after=publish')).toMatchObject({ status: 400 });
    expect(await part.call('GET', '/streams/nobody/tap?after=parse')).toMatchObject({ status: 404 });
    const gone = await openTap(part, 'route', 'gone');
    expect(gone.response.status).toBe(200);
    gone.leave();
  });

  it('is refused, or begins, whatever passes while it is being opened', async () => {
    const app = express();
    let stops = 0;
    const taps = createTaps({
      streams: { require: () => {} },
      // Somebody listens at this border already: records come as soon as the subscription stands.
      listener: {
        listen: async (sourceId, _stage, onBatch) => {
          onBatch({ records: [1, 2], skipped: 3 });
          if (sourceId === 'broken') throw new Error('Redis is away');
          onBatch({ records: [3], skipped: 0 });
          return async () => {
            stops += 1;
          };
        },
      },
      user: 'ann',
      logger: createLogger({ role: 'test', instance: 'test', level: 'silent' }),
    });
    app.use('/streams', taps.router);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A listening TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const ask = (id: string) => fetch(`http://127.0.0.1:${port}/streams/${id}/tap?after=parse`);
    expect((await ask('broken')).status).toBe(500);
    const response = await ask('alerts');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    taps.end();
    expect(await response.text()).toBe(
      ': listening\n\nevent: skipped\ndata: {"records":6}\n\nevent: end\ndata: {"reason":"the scheduler stops"}\n\n',
    );
    await waitUntil('the end of the listening', () => stops === 1, { timeoutMs: 30_000 });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
