// OAuth2 client credentials (RFC 6749, 4.4): a token is asked for once, kept in memory, and used until shortly before it
// expires, or until the provider refuses it. However many requests of a source need one at a time, one asks.
// Some token endpoints want the client in the Authorization header, as the RFC says, and some in the body: the header is
// tried first, and what worked is kept, as Go's client does it.
import type { OAuth2Settings } from '@stream-manager/shared/config/source-params/auth';
import { codeOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { basicGrant } from './auth.ts';

/** Where the client is named in a token request. */
type ClientStyle = 'header' | 'body';

/** A request for a token, to be sent as POST. */
export interface TokenRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What must be cut from its errors. */
  readonly secrets: readonly string[];
}

/** What the endpoint answered, below status 500 and except 408, 425 and 429, which reject. */
export interface TokenAnswer {
  readonly status: number;
  readonly text: string;
  /** The beginning of an error's text as it may be shown. */
  readonly excerpt: string;
}

/** Sends a token request of one poll: under the limit of the endpoint's host, with its bounds and redactions. */
export type SendTokenRequest = (request: TokenRequest) => Promise<TokenAnswer>;

/** The tokens of one source. */
export interface TokenKeeper {
  /**
   * A token that can be used now. Rejects with `credentials_refused`, `response_unreadable`, and as `send` does. A poll
   * that waited for another's request which was stopped asks by itself.
   */
  get(send: SendTokenRequest, signal: AbortSignal): Promise<string>;
  /** The provider refused this token: it is not given again. */
  refuse(token: string): void;
}

interface Token {
  readonly value: string;
  /** From then on another is asked for; null: it is used until it is refused. */
  readonly renewAtMs: number | null;
  readonly expiresAtMs: number | null;
}

/** Creates the keeper of one source. `place`: the endpoint's address as it may be shown. */
export const createTokenKeeper = (
  settings: OAuth2Settings,
  { place, now }: { readonly place: string; readonly now: () => number },
): TokenKeeper => {
  let token: Token | null = null;
  let flight: Promise<Token> | null = null;
  let style: ClientStyle | null = null;

  const request = async (send: SendTokenRequest): Promise<Token> => {
    const askedAtMs = now();
    const first = style ?? 'header';
    let answer = await send(tokenRequest(settings, first));
    let used = first;
    if (isRefusal(answer) && style === null) {
      used = 'body';
      answer = await send(tokenRequest(settings, used));
    }
    const value = readToken(answer, place, askedAtMs);
    style = used;
    return value;
  };

  const renew = (send: SendTokenRequest): Promise<Token> => {
    flight ??= request(send)
      .then((renewed) => {
        token = renewed;
        return renewed;
      })
      .finally(() => {
        flight = null;
      });
    return flight;
  };

  return {
    get: async (send, signal) => {
      for (;;) {
        if (token !== null && (token.renewAtMs === null || now() < token.renewAtMs)) return token.value;
        const isOwn = flight === null;
        try {
          return (await renew(send)).value;
        } catch (error) {
          // One that was asked for early need not come: the old one serves for as long as it is valid.
          if (token !== null && token.expiresAtMs !== null && now() < token.expiresAtMs) return token.value;
          if (isOwn || codeOf(error) !== 'stopped' || signal.aborted) throw error;
        }
      }
    },
    refuse: (refused) => {
      if (token?.value === refused) token = null;
    },
  };
};

/** The client is not known in this way: RFC 6749 says 401 or 400 `invalid_client`, and providers say either. */
const isRefusal = ({ status }: TokenAnswer): boolean => status === 400 || status === 401;

/** A token request in one of the two styles. */
export const tokenRequest = (settings: OAuth2Settings, style: ClientStyle): TokenRequest => {
  const { clientId, clientSecret, scope, audience } = settings;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  if (style === 'body') {
    form.set('client_id', clientId);
    form.set('client_secret', clientSecret);
    return { headers, body: form.toString(), secrets: [clientSecret] };
  }
  // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
  const grant = basicGrant(formEncoded(clientId), formEncoded(clientSecret));
  return {
    headers: { ...headers, ...grant.headers },
    body: form.toString(),
    secrets: [clientSecret, ...grant.secrets],
  };
};

const formEncoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** Asked for so long before it expires, in milliseconds, or for a tenth of its life if that is less. */
const earlyMs = 60_000;

/**
 * The token of an answer. Throws `credentials_refused` for a refusal, and `response_unreadable`, without any of the answer,
 * for one that holds no token that can be used: it may hold another.
 */
export const readToken = (answer: TokenAnswer, place: string, askedAtMs: number): Token => {
  const { status, text, excerpt } = answer;
  if (status !== 200 && status !== 201) {
    const why = excerpt === '' ? '' : `: ${excerpt}`;
    throw new StreamManagerError('credentials_refused', `no token from ${place}: it answered ${status}${why}`);
  }
  const unreadable = (what: string): StreamManagerError =>
    new StreamManagerError('response_unreadable', `no token from ${place}: its answer ${what}`);
  const found = parsedObject(text);
  if (found === null) throw unreadable('is no JSON object');
  const { access_token: value, token_type: type = 'bearer', expires_in: lifetime } = found;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw unreadable('has no access_token that a header can carry');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw unreadable('is of another type than Bearer');
  const seconds = typeof lifetime === 'number' || typeof lifetime === 'string' ? Number(lifetime) : Number.NaN;
  if (!(seconds > 0)) return { value, renewAtMs: null, expiresAtMs: null };
  const expiresAtMs = askedAtMs + seconds * 1000;
  return { value, renewAtMs: expiresAtMs - Math.min(earlyMs, seconds * 100), expiresAtMs };
};

const parsedObject = (text: string): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(text);
    // JSON has no other objects.
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    // The parser's message quotes the text.
    return null;
  }
};
