// An API that answers as a test says, and looks at a source of type http that asks it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import type { Expected, Fixture } from '../../src/preview/fixture.ts';
import { type Look, lookAtSource, replayFixture } from '../../src/preview/look-at-source.ts';

/** What the API answers; JSON unless the headers say otherwise. */
export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

type Variables = Readonly<Record<string, string>>;

/** Starts an API. `source`: the YAML of the source behind `type` and `baseUrl`, with six spaces before each line. */
export const openApi = async (
  answer: (request: IncomingMessage, body: string) => Said,
  source: (url: string) => string,
  type = 'http',
) => {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { status = 200, headers = {}, body = '' } = answer(request, Buffer.concat(pieces).toString());
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = await mkdtemp(join(tmpdir(), 'any-api-'));
  const path = join(directory, 'stream.yaml');
  await writeFile(path, `sources:\n  one:\n    type: ${type}\n    baseUrl: ${url}\n${source(url)}\n`);
  const load = (env: Variables) => loadConfig({ path, env, cwd: directory, secrets: 'optional' });
  const { signal } = new AbortController();
  return {
    url,
    look: async (env: Variables = {}, sinceMs?: number): Promise<Look> => {
      const { config, variables } = await load(env);
      return lookAtSource({
        config,
        variables,
        sourceId: 'one',
        env,
        signal,
        ...(sinceMs === undefined ? {} : { sinceMs }),
      });
    },
    replay: async (fixture: Fixture, env: Variables = {}): Promise<Expected> => {
      const { config, variables } = await load(env);
      return replayFixture({ config, variables, sourceId: 'one', fixture });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
};
