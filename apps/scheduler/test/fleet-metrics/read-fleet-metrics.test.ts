import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Heartbeat } from '@stream-manager/shared/ops/heartbeat';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { metricsAddress, readFleetMetrics } from '../../src/fleet-metrics/read-fleet-metrics.ts';
import { createFleetMetricsRoute } from '../../src/fleet-metrics/route.ts';

const counts = (value: number): string =>
  `# HELP polls_total Polls.\n# TYPE polls_total counter\npolls_total{source="a"} ${value}\n# TYPE age gauge\nage Nan\n`;

/** Serves on a free port; `await using` closes it. */
const serve = async (listener: RequestListener) => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    // A listening TCP server has such an address.
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const beat = (id: string, port: number, changes: Partial<Heartbeat> = {}): Heartbeat => ({
  id,
  role: 'poller-worker',
  host: 'here',
  pid: 1,
  version: '0.0.0',
  port,
  address: '127.0.0.1',
  configVersion: 'abc',
  startedAt: '2026-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:00.000Z',
  ...changes,
});

const depsOf = (fleet: readonly Heartbeat[]) => ({
  readFleet: async () => fleet,
  own: { id: 'own', host: 'here' },
  readOwn: async () => counts(1),
});

describe('the metrics of the fleet', () => {
  it('are those of every process that answers, and the others are named', async () => {
    await using well = await serve((request, response) =>
      response.writeHead(request.url === '/metrics' ? 200 : 404).end(counts(20)),
    );
    await using broken = await serve((_request, response) => response.writeHead(500).end());
    await using elsewhere = await serve((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${well.port}/metrics` }).end(),
    );
    await using silent = await serve(() => {});
    const fleet = [
      beat('own', 0, { role: 'scheduler' }),
      beat('well', well.port),
      beat('broken', broken.port),
      beat('elsewhere', elsewhere.port),
      beat('silent', silent.port),
      beat('far', well.port, { host: 'there' }),
    ];
    const { processes, families } = await readFleetMetrics(depsOf(fleet));
    expect(processes.map(({ id, error }) => [id, error])).toEqual([
      ['own', null],
      ['well', null],
      ['broken', 'it answered 500'],
      ['elsewhere', expect.stringContaining('fetch failed')],
      ['silent', 'it did not answer within 2 s'],
      ['far', 'it listens on 127.0.0.1 of there only: set HTTP_HOST there'],
    ]);
    const samples = (name: string) => families.find((family) => family.name === name)?.samples;
    expect(samples('polls_total')).toEqual([{ name: 'polls_total', labels: { source: 'a' }, value: 21 }]);
    expect(samples('stream_manager_process_up')?.map(({ labels, value }) => [labels['instance'], value])).toEqual([
      ['own', 1],
      ['well', 1],
      ['broken', 0],
      ['elsewhere', 0],
      ['silent', 0],
      ['far', 0],
    ]);
  });

  it('are JSON, or text for whoever asks for it', async () => {
    await using broken = await serve((_request, response) => response.writeHead(500).end());
    const app = express();
    app.use('/', createFleetMetricsRoute(depsOf([beat('own', 0, { role: 'scheduler' }), beat('broken', broken.port)])));
    await using api = await serve(app);
    const ask = (accept: string) => fetch(`http://127.0.0.1:${api.port}/`, { headers: { accept } });
    const json = (await (await ask('*/*')).json()) as Record<string, unknown>;
    expect(json['processes']).toMatchObject([
      { id: 'own', error: null },
      { id: 'broken', error: 'it answered 500' },
    ]);
    expect(json['metrics']).toContainEqual({
      name: 'age',
      type: 'gauge',
      help: '',
      samples: [{ name: 'age', labels: { instance: 'own', role: 'scheduler' }, value: 'NaN' }],
    });
    // As Prometheus asks.
    const answer = await ask('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    expect(text).toMatch(/^# poller-worker broken is not in: it answered 500\n# HELP stream_manager_process_up /);
    expect(text).toContain('\npolls_total{source="a"} 1\n');
  });

  it.each([
    { name: 'where the heartbeat says', beat: { address: '10.0.0.7' }, is: 'http://10.0.0.7:9/metrics' },
    { name: 'at an address of IPv6', beat: { address: 'fd00::7' }, is: 'http://[fd00::7]:9/metrics' },
    {
      name: 'on the same machine, of an older version',
      beat: { address: undefined },
      is: 'http://127.0.0.1:9/metrics',
    },
    {
      name: 'elsewhere, of an older version',
      beat: { address: undefined, host: 'there' },
      is: 'http://there:9/metrics',
    },
  ])('are asked for $name', ({ beat: { address, ...changes }, is }) => {
    const { address: _address, ...older } = beat('a', 9, changes);
    expect(metricsAddress(address === undefined ? older : { ...older, address }, 'here').href).toBe(is);
  });
});
