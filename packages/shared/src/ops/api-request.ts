// One request to the scheduler's HTTP API, from outside: login, patience, and errors as sentences.
import type { ApiAccess } from './data-directory.ts';

/** Sends a request and gives the JSON of its answer. Rejects with a sentence that names the address and what went wrong. */
export type ApiRequest = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => Promise<unknown>;

/** The API refused a request: its own words, and the status (400 it makes no sense, 404 no such thing, 409 not now). */
export class ApiRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiRefusal';
    this.status = status;
  }
}

/** The header by which a request is let in. */
export const authorizationOf = ({ user, password }: ApiAccess): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** What the API says of an error, if it does. */
const wordsOf = async (response: Response): Promise<string | null> => {
  const body: unknown = await response.json().catch(() => null);
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return typeof error === 'string' ? error : null;
};

/** Creates the sender; every request is given up after `timeoutMs`. */
export const createApiRequest = (access: ApiAccess, timeoutMs: number): ApiRequest => {
  const authorization = authorizationOf(access);
  return async (method, path, body) => {
    let response: Response;
    try {
      response = await fetch(new URL(path, access.url), {
        method,
        headers: {
          authorization,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      throw new Error(`the API at ${access.url} does not answer`, { cause: error });
    }
    if (response.ok) return response.json();
    throw await refusalOf(response, access, path);
  };
};

/** The error that an answer is which is not ok: `ApiRefusal`, or a sentence that names the address. */
export const refusalOf = async (response: Response, access: ApiAccess, path: string): Promise<Error> => {
  if (response.status === 401) return new Error(`the API at ${access.url} refused user and password`);
  const words = await wordsOf(response);
  if (words !== null && response.status < 500) return new ApiRefusal(response.status, words);
  return new Error(
    `the API at ${access.url} answered ${response.status} to ${path}${words === null ? '' : `: ${words}`}`,
  );
};
