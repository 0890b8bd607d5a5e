import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { postFaults, readLedger } from '@stream-manager/testkit/providers/control-route';
import { startProviders } from '@stream-manager/testkit/providers/server';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { ask, setup, startAt } from './provider-fixture.ts';

describe('conditional requests', () => {
  const paths = ['firms', 'observations', 'alerts'] as const;
  const pathOf = (providers: Awaited<ReturnType<typeof setup>>, route: (typeof paths)[number]) =>
    ({
      firms: providers.firmsPath(),
      observations: `/stations/${providers.world.stations.all[0]!.id}/observations/latest`,
      alerts: '/alerts/active?area=CA',
    })[route];

  it.each(paths)('%s are answered with 304 while nothing has changed, which serves no row', async (route) => {
    await using providers = await setup();
    const path = pathOf(providers, route);
    const { headers } = await providers.get(path);
    for (const condition of [
      { 'if-none-match': headers.etag! },
      { 'if-none-match': `"x", ${headers.etag!.replace('W/', '')}` },
      { 'if-modified-since': headers['last-modified']! },
    ]) {
      const reply = await providers.get(path, { 'user-agent': 'test', ...condition });
      expect([reply.status, reply.text, reply.headers.etag]).toEqual([304, '', headers.etag]);
    }
    expect(new Set(providers.ledger.served().map((record) => record.timesServed))).toEqual(new Set([1]));
    expect(providers.requests().map((request) => request.status)).toEqual([200, 304, 304, 304]);
    expect(
      providers
        .requests()
        .slice(1)
        .map((request) => request.rows),
    ).toEqual([0, 0, 0]);
  });

  it.each(paths)('%s get a new answer with new validators when something has changed', async (route) => {
    await using providers = await setup();
    const path = pathOf(providers, route);
    const { headers } = await providers.get(path);
    providers.clock = startAt + 60_000;
    const reply = await providers.get(path, { 'user-agent': 'test', 'if-none-match': headers.etag! });
    expect(reply.status).toBe(200);
    expect(reply.headers.etag).not.toBe(headers.etag);
    expect(Date.parse(reply.headers['last-modified']!)).toBeGreaterThan(Date.parse(headers['last-modified']!));
  });

  it('never hide a change behind the date of an earlier answer of the same second', async () => {
    await using providers = await setup({ firms: { perMinute: 6000 } });
    const { headers } = await providers.get(providers.firmsPath());
    providers.clock = startAt + 100;
    const reply = await providers.get(providers.firmsPath(), { 'if-modified-since': headers['last-modified']! });
    expect(reply.status).toBe(200);
  });

  it('are off where the option says so', async () => {
    await using providers = await setup({ validators: { firms: false } });
    const { headers } = await providers.get(providers.firmsPath());
    expect([headers.etag, headers['last-modified']]).toEqual([undefined, undefined]);
  });
});

describe('compression and length', () => {
  it('compresses when the client accepts it, with the exact length', async () => {
    await using providers = await setup({ static: true });
    const plain = await providers.get(providers.firmsPath());
    const packed = await providers.get(providers.firmsPath(), { 'accept-encoding': 'br, gzip;q=0.8' });
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(packed.body.length) });
    expect(gunzipSync(packed.body)).toEqual(plain.body);
    expect(plain.headers).toMatchObject({ 'content-length': String(plain.body.length) });
    expect(plain.headers).not.toHaveProperty('content-encoding');
  });

  it.each(['gzip;q=0', 'identity', 'x-gzipped'])('does not compress for "%s"', async (accept) => {
    await using providers = await setup();
    const reply = await providers.get(providers.firmsPath(), { 'accept-encoding': accept });
    expect(reply.headers).not.toHaveProperty('content-encoding');
  });

  it('sends chunked when told so', async () => {
    await using providers = await setup({ transfer: 'chunked' });
    const { headers } = await providers.get(providers.firmsPath());
    expect([headers['transfer-encoding'], headers['content-length']]).toEqual(['chunked', undefined]);
  });
});

describe('the request log', () => {
  it('tells who asked what and what came of it', async () => {
    await using providers = await setup();
    providers.setFaults({ firms: { next: ['503'] } });
    await providers.get(providers.firmsPath(), { 'user-agent': 'me', accept: 'text/csv', cookie: 'x=1' });
    await providers.get('/nothing', {});
    expect(providers.requests()).toMatchObject([
      {
        method: 'GET',
        path: providers.firmsPath(),
        route: 'firms',
        status: 503,
        fault: '503',
        rows: 0,
        aborted: false,
      },
      { path: '/nothing', route: 'other', status: 404, at: startAt, finishedAt: startAt, headers: {} },
    ]);
    expect(providers.requests()[0]!.headers).toEqual({ 'user-agent': 'me', accept: 'text/csv' });
  });

  it('keeps only the newest', async () => {
    await using providers = await setup({ requestLogLimit: 3 });
    for (let at = 0; at < 10; at += 1) await providers.get(`/n${at}`);
    expect(providers.requests().map((request) => request.path)).toEqual(['/n7', '/n8', '/n9']);
  });

  it('knows of clients that went away, whose rows are only offered', async () => {
    await using providers = await setup({ faults: { firms: { next: ['slow-body'], slowMs: 60_000 } } });
    const { port } = new URL(providers.url);
    const socket = createConnection(Number(port), '127.0.0.1');
    socket.write(`GET ${providers.firmsPath()} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await waitUntil('the request to be noted as aborted', () => providers.requests()[0]?.aborted);
    expect(providers.ledger.served()).toEqual([]);
    expect(providers.ledger.offered()).toHaveLength(200);
    expect(providers.ledger.malformed()).toEqual([]);
  });
});

describe('the ledger', () => {
  it('counts how often each row was served, and when', async () => {
    await using providers = await setup({ firms: { backlog: 10, perMinute: 60 } });
    await providers.get(providers.firmsPath());
    providers.clock = startAt + 2000;
    await providers.get(providers.firmsPath());
    const served = providers.ledger.served();
    expect(served.map((record) => record.timesServed)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
    expect(served[0]).toMatchObject({ firstServedAt: startAt, lastServedAt: startAt + 2000 });
    expect(served[11]).toMatchObject({ firstServedAt: startAt + 2000 });
    expect(providers.ledger.counts()).toEqual({
      served: {
        firms: 12,
        station: 0,
        alert: 0,
        purpleair: 0,
        forecast: 0,
        airnow: 0,
        metar: 0,
        earthquake: 0,
        reading: 0,
        buoy: 0,
        device: 0,
        pushed: 0,
      },
      offered: 0,
      malformed: 0,
      rowsSent: 22,
    });
    providers.ledger.clear();
    expect(providers.ledger.served()).toEqual([]);
  });

  it('keeps no rows when it is off', async () => {
    await using providers = await setup({ ledger: 'off' });
    await providers.get(providers.firmsPath());
    expect(providers.ledger.served()).toEqual([]);
    expect(providers.ledger.counts().rowsSent).toBe(200);
  });
});

describe('asking from another process', () => {
  it('gives the ledger and takes faults', async () => {
    await using providers = await setup({ faults: { firms: { malformedShare: 0.2 } } });
    await providers.get(providers.firmsPath());
    const document = await readLedger(providers.url);
    expect(document).toEqual({
      served: providers.ledger.served(),
      offered: [],
      malformed: providers.ledger.malformed(),
    });
    expect(JSON.parse((await providers.get('/_ledger?counts')).text)).toEqual(providers.ledger.counts());
    expect(JSON.parse((await providers.get('/_requests')).text)).toEqual(providers.requests());
    await postFaults(providers.url, { firms: { next: ['500'] } });
    expect((await providers.get(providers.firmsPath())).status).toBe(500);
    await expect(postFaults(providers.url, { firms: { next: ['501' as '500'] } })).rejects.toThrow(
      /400.*no such fault/,
    );
    expect((await providers.get('/_faults')).status).toBe(405);
  });
});

describe('the server', () => {
  it('answers 404 to what no provider has, and 405 to what nobody may do', async () => {
    await using providers = await setup();
    expect((await providers.get('/')).status).toBe(404);
    expect((await providers.get(providers.firmsPath(), {}, 'DELETE')).status).toBe(405);
    expect((await providers.get(`/api/area/csv/${providers.mapKey}/%E0%A4%A/world/1`)).status).toBe(400);
  });

  it('gives each provider a port of its own when asked', async () => {
    await using providers = await setup({ separatePorts: true });
    expect(new Set(Object.values(providers.urls)).size).toBe(8);
    expect((await ask(`${providers.urls.nws}/alerts/active?area=CA`, { 'user-agent': 'test' })).status).toBe(200);
    expect(providers.ledger.served()).toHaveLength(5);
  });

  it('knows several keys', async () => {
    await using providers = await setup({ mapKeys: ['one', 'two'], apiKeys: ['a', 'b'] });
    for (const key of ['one', 'two']) {
      const reply = await providers.get(providers.firmsPath().replace('/one/', `/${key}/`));
      expect(reply.text.split('\n')).toHaveLength(202);
    }
    expect((await providers.get('/v1/keys', { 'x-api-key': 'b' })).status).toBe(201);
  });

  it('stops at once, however slow its answers are, and twice is once', async () => {
    const providers = await startProviders({ faults: { all: { chance: { 'slow-headers': 1 }, slowMs: 60_000 } } });
    const pending = ask(`${providers.url}/alerts/active`, { 'user-agent': 'test' }).then(
      () => 'answered',
      () => 'broken off',
    );
    await waitUntil('the request to arrive', () => providers.requests().length === 1);
    await Promise.all([providers.stop(), providers.stop()]);
    expect(await pending).toBe('broken off');
    await providers.stop();
  });

  it('refuses a port that is taken', async () => {
    await using providers = await setup();
    await expect(startProviders({ port: Number(new URL(providers.url).port) })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('the program', () => {
  const main = fileURLToPath(import.meta.resolve('@stream-manager/testkit/providers/main'));

  it('prints an address that works and ends with SIGTERM', async () => {
    const child = spawn(process.execPath, [main, '--seed', '5', '--backlog', '3', '--stations', '2'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString();
    });
    const exited = once(child, 'exit');
    await waitUntil('the examples', () => output.includes('/_faults'));
    const example = /FIRMS +curl '([^']+)'/.exec(output)?.[1];
    expect((await ask(example!)).text.trimEnd().split('\n')).toHaveLength(4);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('refuses an option that is no number with exit code 2', async () => {
    const child = spawn(process.execPath, [main, '--seed', 'x'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (part: Buffer) => {
      errors += part.toString();
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(2);
    expect(errors).toMatch(/seed must be a number/);
  });
});

describe('the time in the world', () => {
  it('may stand still and leap, while the book keeps the time of the clock', async () => {
    let worldMs = startAt;
    await using providers = await setup({ worldNow: () => worldMs, firms: { backlog: 3, perMinute: 60 } });
    providers.clock = startAt + 60_000;
    await providers.get(providers.firmsPath());
    expect(providers.ledger.counts().served.firms).toBe(3);
    worldMs += 10_000;
    await providers.get(providers.firmsPath());
    expect(providers.ledger.counts().served.firms).toBe(13);
    expect(new Set(providers.ledger.served().map(({ firstServedAt }) => firstServedAt))).toEqual(
      new Set([startAt + 60_000]),
    );
  });
});
