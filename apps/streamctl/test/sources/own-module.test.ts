// A source of the user's own is looked at like any other: its module is loaded from beside the config.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testConfig } from '../../src/config/test.ts';
import { testSource } from '../../src/sources/test.ts';
import { contextIn } from '../context.ts';

const examples = join(import.meta.dirname, '../../../../config/examples');

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

/** Two readings, the newest first as NDBC has it. */
const buoyFile = (): string => {
  const row = (hours: number, speed: string) => `${hoursAgo(hours).slice(0, 16).replace(/\D/g, ' ')} 310  ${speed}`;
  return `#YY  MM DD hh mm WDIR WSPD\n#yr  mo dy hr mn degT m/s\n${row(1, '8.0')}\n${row(72, '9.0')}\n`;
};

describe('a source of the user’s own', () => {
  it('is polled once by sources test, with its mode', async () => {
    const server = createServer((_request, response) => response.end(buoyFile()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A listening TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const { context, said } = contextIn(examples);
    const env = { STREAM__SOURCES__BUOYS_CALIFORNIA__BASE_URL: `http://127.0.0.1:${port}` };
    // The mode never asks for more than two days.
    const since = ['--since', hoursAgo(200)];
    const code = await testSource(['buoys-california', '--config', 'own.yaml', '--json', ...since], {
      ...context,
      env,
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(said()).toContain('"stationId": "46042"');
    expect(said()).toContain('"windSpeedMps": 8');
    expect(said()).not.toContain('"windSpeedMps": 9');
    expect(code).toBe(0);
  });

  it('belongs to what config test checks', async () => {
    const { context, said } = contextIn(examples);
    expect(await testConfig(['--config', 'own.yaml'], context)).toBe(0);
    expect(said()).toContain('the config is right: 1 sources');

    const directory = await mkdtemp(join(tmpdir(), 'sm-own-'));
    try {
      await cp(join(examples, 'own.yaml'), join(directory, 'own.yaml'));
      await writeFile(join(directory, 'night-only.ts'), 'export default { name: "night-only" };');
      await writeFile(join(directory, 'buoys.ts'), await readFile(join(examples, 'buoys.ts'), 'utf8'));
      await expect(testConfig(['--config', 'own.yaml'], contextIn(directory).context)).rejects.toThrow(
        'sources.buoys-california.mode: ./night-only.ts is no mode',
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
