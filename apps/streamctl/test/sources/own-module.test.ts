// A source of the user's own is looked at like any other: its module is loaded from beside the config.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testConfig } from '../../src/config/test.ts';
import { testSource } from '../../src/sources/test.ts';
import type { CommandContext } from '../../src/terminal.ts';

const examples = join(import.meta.dirname, '../../../../config/examples');

const contextIn = (cwd: string): { readonly context: CommandContext; readonly said: () => string } => {
  let said = '';
  const context: CommandContext = {
    out: (text) => {
      said += text;
    },
    drained: async () => {},
    outIsTerminal: false,
    width: null,
    notice: () => {},
    isTerminal: false,
    confirm: null,
    signal: new AbortController().signal,
    env: {},
    cwd,
    findApi: async () => {
      throw new Error('no API is asked');
    },
  };
  return { context, said: () => said };
};

const buoyFile = `#YY  MM DD hh mm WDIR WSPD
#yr  mo dy hr mn degT m/s
2026 01 04 09 50 310  8.0
`;

describe('a source of the user’s own', () => {
  it('is polled once by sources test, with its mode', async () => {
    const server = createServer((_request, response) => response.end(buoyFile));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A listening TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const { context, said } = contextIn(examples);
    const env = { STREAM__SOURCES__BUOYS_CALIFORNIA__BASE_URL: `http://127.0.0.1:${port}` };
    const since = ['--since', '2026-01-01T00:00:00Z'];
    const code = await testSource(['buoys-california', '--config', 'own.yaml', '--json', ...since], {
      ...context,
      env,
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(said()).toContain('"stationId": "46042"');
    expect(said()).toContain('"windSpeedMps": 8');
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
