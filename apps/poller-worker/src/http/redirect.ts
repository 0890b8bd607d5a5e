// Whether a redirect is followed, and as what request. Inside the origin of a source everything goes along. To another
// origin goes a plain GET without anything that says who asks, and only forward: never from https to http, never with a
// secret in its address. That it does not lead from a public address to a private one is seen when it is connected.
import { excerptOf, holdsSecret, type Redactor } from './secrets.ts';

/** More redirects than this are a circle. */
export const maxRedirects = 5;

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** An answer that redirects, and the request it answers. */
export interface RedirectFacts {
  readonly from: URL;
  readonly method: 'GET' | 'POST';
  readonly status: number;
  readonly location: string | undefined;
  /** How many redirects this request was reached by. */
  readonly redirects: number;
  readonly redact: Redactor;
}

/** The request to make next, or the rule that forbids it. */
export type RedirectDecision =
  | { readonly to: URL; readonly method: 'GET' | 'POST'; readonly isForeign: boolean }
  | { readonly refusal: string };

/** Decides about one answer with a status from 300 to 399. */
export const decideRedirect = (facts: RedirectFacts): RedirectDecision => {
  const { from, method, status, location, redirects, redact } = facts;
  const to = location === undefined || !redirectStatuses.has(status) ? null : URL.parse(location, from.href);
  if (to === null) return { refusal: 'only a redirect to an address is followed' };
  if (to.username !== '' || to.password !== '') return { refusal: 'an address with a user is not followed' };
  if (redirects >= maxRedirects) return { refusal: `more than ${maxRedirects} redirects` };
  // 301 and 302 leave open whether a POST stays one: either guess could ask for something else.
  if (method === 'POST' && (status === 301 || status === 302))
    return { refusal: 'a POST is followed only by 303, 307 or 308' };
  const next = status === 303 ? 'GET' : method;
  if (to.origin === from.origin) return { to, method: next, isForeign: false };

  // The form that leaves is looked at as well (in `foreignRefusal`): a secret may be spelled so that only a parser reads it.
  const refusal = holdsSecret(location ?? '', redact)
    ? carriesSecret
    : foreignRefusal({ from, to, method: next, redact });
  return refusal === null ? { to, method: 'GET', isForeign: true } : { refusal };
};

const carriesSecret = 'it carries a secret to another host';

/** Why a request may not go on to another origin; null if it may. */
export const foreignRefusal = ({
  from,
  to,
  method,
  redact,
}: Pick<RedirectFacts, 'from' | 'method' | 'redact'> & { readonly to: URL }): string | null => {
  if (!/^https?:$/.test(to.protocol)) return 'only http and https are followed';
  if (from.protocol === 'https:' && to.protocol === 'http:') return 'https is not left for http';
  if (method !== 'GET') return 'only a GET is followed to another host';
  return holdsSecret(to.href, redact) ? carriesSecret : null;
};

/** Where a `Location` leads, as it may be shown: one that hides a secret in a spelling of its own is not shown at all. */
export const whereOf = (location: string | undefined, redact: Redactor): string => {
  if (location === undefined) return 'nowhere';
  return holdsSecret(redact(location), redact)
    ? 'to an address that is not shown'
    : `to ${excerptOf(location, redact)}`;
};

/** What of a request's headers says nothing about who asks. Everything else stays at its own origin. */
const harmless = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'if-modified-since',
  'if-none-match',
  'user-agent',
]);

/** The headers for another origin; names in lower case. */
export const foreignHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name)));
