// What of `auth` is put into a request, and what the provider counts by because of it. OAuth2 has its tokens elsewhere
// (oauth2.ts); a token is a bearer like any other.
import type { SourceAuth } from '@stream-manager/shared/config/source-params/auth';
import { secretsOfHeader } from './secrets.ts';

/** What a request shows to say who asks. Nothing of it goes to another origin. */
export interface Grant {
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: { readonly name: string; readonly value: string } | null;
  /** What must be cut from errors and logs, in every form in which it is sent. */
  readonly secrets: readonly string[];
}

/** Says nothing about who asks. */
export const noGrant: Grant = { headers: {}, query: null, secrets: [] };

/** A token in the usual header. */
export const bearerGrant = (token: string): Grant => ({
  headers: { authorization: `Bearer ${token}` },
  query: null,
  secrets: [token],
});

/** User and password in the usual header. */
export const basicGrant = (username: string, password: string): Grant => {
  const pair = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  return { headers: { authorization: `Basic ${pair}` }, query: null, secrets: [pair, password] };
};

/** What a source shows that needs no token first. */
export const grantOf = (auth: Exclude<SourceAuth, { readonly type: 'oauth2' }> | undefined): Grant => {
  switch (auth?.type) {
    case undefined:
      return noGrant;
    case 'header':
      return {
        headers: { [auth.name.toLowerCase()]: auth.value },
        query: null,
        secrets: secretsOfHeader(auth.value),
      };
    case 'query':
      return { headers: {}, query: { name: auth.name, value: auth.value }, secrets: [auth.value] };
    case 'basic':
      return basicGrant(auth.username, auth.password);
    case 'bearer':
      return bearerGrant(auth.token);
  }
};

/** The address with the key in its query, in place of one of that name. */
export const urlWith = (url: URL, { query }: Grant): URL => {
  if (query === null) return url;
  const made = new URL(url);
  // Whatever else is in the query keeps the spelling that its source gave it.
  if (made.searchParams.has(query.name)) made.searchParams.delete(query.name);
  const pair = `${encodeURIComponent(query.name)}=${encodeURIComponent(query.value)}`;
  made.search = made.search === '' ? pair : `${made.search}&${pair}`;
  return made;
};

/** Whom the provider counts requests of. A user or client stays one whatever its password or token is. */
export const credentialOfAuth = (auth: SourceAuth | undefined): string | null => {
  switch (auth?.type) {
    case undefined:
      return null;
    case 'header':
    case 'query':
      return auth.value;
    case 'basic':
      return auth.username;
    case 'bearer':
      return auth.token;
    case 'oauth2':
      return auth.clientId;
  }
};

/** The credential of a request: what its type names, and what `auth` says; null if neither says anything. */
export const credentialOf = (own: string | null, auth: SourceAuth | undefined): string | null => {
  const other = credentialOfAuth(auth);
  if (own === null || other === null) return own ?? other;
  // An array keeps the two apart.
  return JSON.stringify([own, other]);
};
