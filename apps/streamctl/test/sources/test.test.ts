import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeRunningConfig, writeRunningConfig } from '@stream-manager/shared/ops/data-directory';
import { describe, expect, it } from 'vitest';
import { testConfig } from '../../src/config/test.ts';
import { testSource } from '../../src/sources/test.ts';
import { contextIn } from '../context.ts';

const key = 'the-key-of-the-simulated-api';

const sources = `sources:
  fires:
    type: http
    baseUrl: \${PROVIDERS}
    topic: TOPIC
    auth: { type: header, name: X-Key, value: '\${MAP_KEY}' }
    params: { request: { path: /fires }, id: id, time: at }
  plant:
    type: push
    params: { token: '\${PLANT_TOKEN}', id: [station.name, at], time: at, fields: { temperatureC: station.temp } }
`;

const setup = async () => {
  const server = createServer((request, response) => {
    const isRight = request.headers['x-key'] === key;
    response.writeHead(isRight ? 200 : 403, { 'content-type': 'application/json' });
    response.end(isRight ? JSON.stringify([{ id: 7, at: '2026-05-01T12:00:00Z', asked: key }]) : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory = await mkdtemp(join(tmpdir(), 'sources-test-'));
  const write = (topic: string) => writeFile(join(directory, 'demo.yaml'), sources.replace('TOPIC', topic));
  await write('wildfire-nasa-firms');
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  const variables = { PROVIDERS: `http://127.0.0.1:${port}`, MAP_KEY: key };
  return {
    directory,
    variables,
    write,
    run: async (act: typeof testSource, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const { context, said, noticed } = contextIn(directory);
      const code = await act(args, { ...context, env: { ...context.env, ...env } });
      return { code, said: said(), noticed: noticed() };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
};

describe('sources test', () => {
  it('uses the config of a running npm start when none is named, and says so', async () => {
    await using bundle = await setup();
    const { directory, variables } = bundle;
    await expect(bundle.run(testSource, ['fires'])).rejects.toThrow(/stream\.yaml/);
    await writeRunningConfig(directory, { path: join(directory, 'demo.yaml'), variables });
    expect((await stat(join(directory, 'running-config.json'))).mode & 0o777).toBe(0o600);
    const found = await bundle.run(testSource, ['fires'], { MAP_KEY: 'that of the real API' });
    expect(found.code).toBe(0);
    expect(found.noticed).toContain(`the config of the running \`npm start\` it is, ${directory}/demo.yaml`);
    expect(found.said).toContain('topics: wildfire-nasa-firms (by source)');
    await writeFile(join(directory, 'stream.yaml'), 'sources: {}\n');
    await expect(bundle.run(testSource, ['fires'])).rejects.toThrow('there is no source "fires"; there are none');
    await rm(join(directory, 'stream.yaml'));
    await removeRunningConfig(directory);
    await expect(bundle.run(testSource, ['fires'])).rejects.toThrow(/stream\.yaml/);
  });

  it('saves a fixture that config test polls again, and that fails when the config changes what comes of it', async () => {
    await using bundle = await setup();
    const named = ['--config', 'demo.yaml'];
    const saved = await bundle.run(testSource, ['fires', '--save', ...named], bundle.variables);
    expect(saved).toMatchObject({ code: 0, noticed: 'saved as fixtures/fires.json; `config test` polls it again\n' });
    const fixture = await readFile(join(bundle.directory, 'fixtures', 'fires.json'), 'utf8');
    expect(fixture).not.toContain(bundle.variables.MAP_KEY);
    const known = { PROVIDERS: bundle.variables.PROVIDERS };
    expect(await bundle.run(testConfig, named, known)).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^ok {6}fires$/m),
    });
    await bundle.write('elsewhere');
    const changed = await bundle.run(testConfig, named, known);
    expect(changed.code).toBe(1);
    expect(changed.said).toContain('topic is "elsewhere", expected "wildfire-nasa-firms"');
    await bundle.write('wildfire-nasa-firms');
    await writeFile(join(bundle.directory, 'fixtures', 'gone.json'), fixture);
    const leftOver = await bundle.run(testConfig, named, known);
    expect(leftOver).toMatchObject({ code: 1, said: expect.stringContaining('the config has no source "gone"') });
  });

  it('shows for push how a record is sent, and never the token', async () => {
    await using bundle = await setup();
    const named = ['plant', '--config', 'demo.yaml'];
    const token = 'a-token-nobody-may-see';
    for (const env of [bundle.variables, { ...bundle.variables, PLANT_TOKEN: token }]) {
      const { code, said } = await bundle.run(testSource, named, env);
      expect(code).toBe(0);
      expect(said).toContain("curl -sS 'http://POLLER_HOST:PORT/ingest/plant'");
      expect(said).toContain('no API is known here');
      expect(said).not.toContain(token);
      const row = /-d '\[(.*)\]'/.exec(said)?.[1] ?? '';
      expect(JSON.parse(row)).toEqual({
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        station: { name: 'example-1', temp: 1 },
      });
    }
    expect((await bundle.run(testSource, named, bundle.variables)).said).toContain('Bearer $PLANT_TOKEN');
    await expect(bundle.run(testSource, ['plant', '--save', '--config', 'demo.yaml'])).rejects.toThrow(
      '--save: the records of plant come by themselves (push)',
    );
  });

  it('refuses a time that makes no sense', async () => {
    await using bundle = await setup();
    await expect(bundle.run(testSource, ['fires', '--since', 'yesterday'])).rejects.toThrow('--since is "yesterday"');
    await expect(bundle.run(testSource, ['fires', '--since', '2999-01-01'])).rejects.toThrow('lies in the future');
  });
});
