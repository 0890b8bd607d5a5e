// Who asks, for the requests of one source: the same always, or a token that is asked for first. Tokens live in memory, for
// as long as the process does.
import { providerHostOf } from '@stream-manager/shared/config/provider-host';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { bearerGrant, type Grant, grantOf } from './auth.ts';
import { acceptEncoding, decodeBlocks, readBlocks } from './body.ts';
import { placeOf } from './exchange.ts';
import { createTokenKeeper, type SendTokenRequest, type TokenKeeper, tokenRequest } from './oauth2.ts';
import { ofOtherHost } from './other-host-error.ts';
import { beginningOf, refusalOf } from './refusal.ts';
import { createRedactor, secretHeaderValues } from './secrets.ts';
import type { Send } from './send.ts';
import type { TlsOptions } from './tls-settings.ts';

/** Who asks, for one poll. */
export interface Access {
  /** What the next request shows. Rejects as a token request does. */
  grant(): Promise<Grant>;
  /** The provider answered 401 to this grant. True: another one may do, so the request is worth making again. */
  refused(grant: Grant): boolean;
}

/** What the access of a poll works with. */
export interface AccessDeps {
  readonly source: ResolvedSource;
  readonly tls: TlsOptions | null;
  readonly send: Send;
  readonly signal: AbortSignal;
  readonly userAgent: string;
  readonly now: () => number;
  /** What is cut from errors: all that the source's requests hold, and what the process has besides, such as a proxy's password. */
  readonly secrets: readonly (string | null)[];
}

/** An answer with a token is never larger, in bytes. */
const maxTokenBytes = 1024 * 1024;

/** What a token endpoint may answer another time. */
const passing = (status: number): boolean => status >= 500 || status === 408 || status === 425 || status === 429;

/** Everything of a source's entry that is cut from its errors, but what its type names as the credential of a request. */
export const secretsOf = (source: Pick<ResolvedSource, 'headers' | 'auth' | 'tls'>): readonly string[] => {
  const { auth, tls } = source;
  const ofAuth = auth?.type === 'oauth2' ? tokenRequest(auth, 'header').secrets : grantOf(auth).secrets;
  const { passphrase } = tls ?? {};
  return [...secretHeaderValues(source.headers), ...ofAuth, ...(passphrase === undefined ? [] : [passphrase])];
};

/** The secrets of one source's requests, as a process of these secrets knows them. */
export type SecretsOfSource = (source: ResolvedSource) => readonly string[];

/**
 * Those of its entry, and of `secrets` (all that this process knows) what stands anywhere in it: a key in the path has no name
 * that says so.
 */
export const createSecretsOfSource = (secrets: readonly string[]): SecretsOfSource => {
  const known = new WeakMap<ResolvedSource, readonly string[]>();
  return (source) => {
    const found = known.get(source) ?? [...new Set([...secretsOf(source), ...secretsWithin(source, secrets)])];
    known.set(source, found);
    return found;
  };
};

const secretsWithin = (entry: unknown, secrets: readonly string[]): readonly string[] => {
  const texts: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) visit(inner);
  };
  visit(entry);
  return secrets.filter((secret) => texts.some((text) => text.includes(secret)));
};

/** The keepers of tokens, one for each source that needs one. */
export const createTokenKeepers = ({
  now,
  secretsOfSource,
}: Pick<AccessDeps, 'now'> & { readonly secretsOfSource: SecretsOfSource }) => {
  const keepers = new Map<string, TokenKeeper>();
  /** The keeper of a source; null if it needs no tokens. */
  return (source: ResolvedSource): TokenKeeper | null => {
    const { id, auth } = source;
    if (auth?.type !== 'oauth2') return null;
    const known = keepers.get(id);
    if (known !== undefined) return known;
    const place = placeOf(new URL(auth.tokenUrl), createRedactor(secretsOfSource(source)));
    const keeper = createTokenKeeper(auth, { place, now });
    keepers.set(id, keeper);
    return keeper;
  };
};

/** The access of one poll. */
export const createAccess = (keeper: TokenKeeper | null, deps: AccessDeps): Access => {
  const { auth } = deps.source;
  if (keeper === null || auth?.type !== 'oauth2') {
    const grant = grantOf(auth?.type === 'oauth2' ? undefined : auth);
    return { grant: async () => grant, refused: () => false };
  }
  const url = new URL(auth.tokenUrl);
  const isElsewhere = providerHostOf({ baseUrl: auth.tokenUrl }) !== providerHostOf(deps.source);
  const given = new Map<Grant, string>();
  let hasRenewed = false;
  const ask = sendTokenRequest(url, auth.clientId, deps);
  return {
    grant: async () => {
      const token = await keeper.get(ask, deps.signal).catch((error: unknown) => {
        throw isElsewhere ? ofOtherHost(error) : error;
      });
      const grant = bearerGrant(token);
      given.set(grant, token);
      return grant;
    },
    refused: (grant) => {
      const token = given.get(grant);
      if (token === undefined || hasRenewed) return false;
      hasRenewed = true;
      keeper.refuse(token);
      return true;
    },
  };
};

/** Sends token requests to their one address: a redirect would carry the client's secret elsewhere. */
const sendTokenRequest =
  (url: URL, clientId: string, deps: AccessDeps): SendTokenRequest =>
  async (request) => {
    const redact = createRedactor([...request.secrets, ...deps.secrets]);
    const place = placeOf(url, redact);
    const answer = await deps.send({
      url,
      method: 'POST',
      headers: { 'user-agent': deps.userAgent, 'accept-encoding': acceptEncoding, ...request.headers },
      body: request.body,
      way: { tls: deps.tls, isGuarded: false },
      credential: clientId,
      maxResponseBytes: maxTokenBytes,
      redact,
    });
    try {
      const { status } = answer;
      if (passing(status)) throw await refusalOf(answer, { place, redact, nowMs: deps.now() });
      if (status >= 300 && status < 400)
        throw new StreamManagerError(
          'fetch_redirect',
          `${place} redirects, and a token is asked for at its own address only`,
        );
      if (status >= 400) return { status, text: '', excerpt: await beginningOf(answer, redact) };
      return { status, text: decodeBlocks(await readBlocks(answer.body)), excerpt: '' };
    } finally {
      answer.discard();
    }
  };
