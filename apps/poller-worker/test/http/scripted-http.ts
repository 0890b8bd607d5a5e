// An inner HTTP client for tests of what is put around it: a provider in memory that knows its answers' versions, counts
// what it is asked, and can be held, cut off or made to fail.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpRequest } from '../../src/http/http-client.ts';
import { createJsonParser } from '../../src/http/parse-large-json.ts';
import { bodyReaders } from '../../src/http/read-answer.ts';
import type { HttpClients } from '../../src/http/undici-client.ts';

/** What the provider says to a request. */
export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The body ends with an error behind its bytes. */
  readonly isCutOff?: boolean;
  /** Pieces are given only while this is resolved. */
  readonly gate?: Promise<void>;
  /** Refused before the request has leave. */
  readonly refusal?: StreamManagerError;
  /** Fails on its way. */
  readonly fault?: StreamManagerError;
}

export interface ScriptedHttp extends HttpClients {
  /** Every request that had leave, in order. */
  readonly asked: { readonly request: HttpRequest; readonly source: ResolvedSource; readonly isBackfill: boolean }[];
}

const spool = { aboveBytes: 16 * 1024 * 1024, directory: '/nonexistent' };

/** A provider that says what `say` says to the request of this number, from 1 on. */
export const scriptedHttp = (say: (request: HttpRequest, number: number) => Said | Promise<Said>): ScriptedHttp => {
  const asked: ScriptedHttp['asked'] = [];
  const jsonParser = createJsonParser();
  return {
    asked,
    forPoll: ({ source, signal, isBackfill = false }) => ({
      fetch: async (request) => {
        const said = await say(request, asked.length + 1);
        if (said.refusal !== undefined) throw said.refusal;
        asked.push({ request, source, isBackfill });
        request.onLeave?.();
        if (said.fault !== undefined) throw said.fault;
        const bytes = Buffer.from(said.body ?? '');
        async function* body(): AsyncGenerator<Buffer> {
          for (let at = 0; at < bytes.length; at += 65_536) {
            await said.gate;
            yield bytes.subarray(at, at + 65_536);
          }
          if (said.isCutOff) throw new StreamManagerError('fetch_network', 'cut off');
        }
        return {
          status: said.status ?? 200,
          headers: said.headers ?? {},
          receivedAtMs: Date.now(),
          unchanged: null,
          receipt: () => null,
          charge: async () => {},
          ...bodyReaders(body(), { place: 'the provider', redact: (text) => text, spool, jsonParser, signal }),
        };
      },
      useUp: async () => {},
      distrust: async () => {},
    }),
    close: () => jsonParser.close(),
  };
};

/** Says an answer with an ETag, and 304 to whoever has it. */
export const sayVersioned =
  (current: () => { readonly etag: string; readonly body: string }) =>
  (request: HttpRequest): Said => {
    const { etag, body } = current();
    return request.headers?.['if-none-match'] === etag
      ? { status: 304, headers: { etag } }
      : { headers: { etag, 'content-type': 'application/json' }, body };
  };
