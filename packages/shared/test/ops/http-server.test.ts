import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createHealth } from '../../src/ops/health.ts';
import { startHttpServer } from '../../src/ops/http-server.ts';

const setup = async () => {
  const health = createHealth();
  const metrics = createMetrics();
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, health, metrics });
  return { health, metrics, server, [Symbol.asyncDispose]: () => server.close() };
};

describe('the HTTP server of every process', () => {
  it('says it is alive whatever its health', async () => {
    await using part = await setup();
    part.health.setProblem('redis', 'not connected');
    expect((await fetch(`${part.server.url}/livez`)).status).toBe(200);
  });

  it('is ready only when started and without a component at fault, which it names', async () => {
    await using part = await setup();
    expect((await fetch(`${part.server.url}/readyz`)).status).toBe(503);
    part.health.setPhase('ready');
    expect((await fetch(`${part.server.url}/readyz`)).status).toBe(200);
    part.health.setProblem('redis', 'not connected');
    const answer = await fetch(`${part.server.url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ ready: false, problems: { redis: 'not connected' } });
    part.health.setProblem('redis', null);
    part.health.setPhase('draining');
    expect((await fetch(`${part.server.url}/readyz`)).status).toBe(503);
  });

  it('answers 200 while a single source is in trouble, and says so in the body', async () => {
    await using part = await setup();
    part.health.setPhase('ready');
    part.health.setSourceNote('firms', 'refused the key');
    const answer = await fetch(`${part.server.url}/readyz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ sources: { firms: 'refused the key' } });
  });

  it('reads gauges before a scrape, and serves without one that fails', async () => {
    await using part = await setup();
    part.metrics.beforeScrape.add(async () => part.metrics.lagSampleAgeSeconds.set(7));
    part.metrics.beforeScrape.add(() => Promise.reject(new Error('Redis is away')));
    const text = await (await fetch(`${part.server.url}/metrics`)).text();
    expect(text).toContain('stream_manager_lag_sample_age_seconds 7');
  });

  it('answers an unknown address and one that makes no sense without a stack', async () => {
    await using part = await setup();
    expect((await fetch(`${part.server.url}/nowhere`)).status).toBe(404);
    const failures: unknown[] = [];
    const server = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      health: part.health,
      metrics: part.metrics,
      addRoutes: (app) =>
        app.get('/thing/:id', () => {
          throw new Error('inside');
        }),
      onError: (error) => failures.push(error),
    });
    const senseless = await fetch(`${server.url}/thing/f%zz`);
    expect([senseless.status, await senseless.text()]).toEqual([400, 'This request makes no sense.\n']);
    expect(failures).toEqual([]);
    const broken = await fetch(`${server.url}/thing/a`);
    expect([broken.status, await broken.text()]).toEqual([500, 'Something failed here.\n']);
    expect(failures).toHaveLength(1);
    await server.close();
  });

  it('takes the next free port when it may, and refuses otherwise', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = { host: '127.0.0.1', port, health: createHealth(), metrics: createMetrics() };
    await expect(startHttpServer(options)).rejects.toThrow(/is in use: set HTTP_PORT/);
    const server = await startHttpServer({ ...options, nextFree: true });
    expect(server.port).toBeGreaterThan(port);
    await server.close();
    taken.close();
  });
});
