// Providers with a clock that the test moves, and a plain HTTP client that adds no header of its own and tells of
// answers that break off.
import { type IncomingHttpHeaders, request } from 'node:http';
import { type ProviderOptions, type Providers, startProviders } from '@stream-manager/testkit/providers/server';

export const startAt = Date.UTC(2025, 0, 4, 9, 2, 30, 250);
const californiaBox = '-124.48,32.53,-114.13,42.01';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The answer ended as its headers said it would. */
  readonly isWhole: boolean;
}

export interface ProviderFixture extends Providers, AsyncDisposable {
  clock: number;
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Reply>;
  firmsPath(dataset?: string, days?: string): string;
}

export const ask = (url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', () => {});
      response.on('close', () => {
        const body = Buffer.concat(parts);
        const { statusCode = 0, complete } = response;
        resolve({ status: statusCode, headers: response.headers, body, text: body.toString(), isWhole: complete });
      });
    });
    sent.on('error', reject);
    sent.end();
  });

export const setup = async (options: ProviderOptions = {}): Promise<ProviderFixture> => {
  let clock = startAt;
  const providers = await startProviders({ seed: 7, startAt, now: () => clock, ...options });
  return {
    ...providers,
    get clock() {
      return clock;
    },
    set clock(ms: number) {
      clock = ms;
    },
    get: (path, headers = { 'user-agent': 'test (test@example.org)' }, method = 'GET') =>
      ask(providers.url + path, headers, method),
    firmsPath: (dataset = 'VIIRS_SNPP_NRT', days = '1') =>
      `/api/area/csv/${providers.mapKey}/${dataset}/${californiaBox}/${days}`,
    [Symbol.asyncDispose]: () => providers.stop(),
  };
};

/** The body as JSON; its shape is what the tests look at. */
export const json = (reply: Reply) => JSON.parse(reply.text);
