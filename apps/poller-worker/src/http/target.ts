// What a provider counts requests by: the place (scheme, host, port) and who asks (credential). Sources with the same
// target share one rate limit over the whole fleet.
import { createHash } from 'node:crypto';

/** A target's name: 22 base64url characters of a hash, so that no credential ever stands in Redis. */
export const rateLimitTarget = (url: URL, credential: string | null): string => {
  // The host is spelled in lower case by URL; a JSON array keeps "a|b" and "a", "b" apart.
  const name = JSON.stringify([url.protocol, url.hostname, portOf(url), credential]);
  return createHash('sha256').update(name).digest('base64url').slice(0, 22);
};

/** The port that a web address leads to; URL leaves out that of its scheme. */
export const portOf = ({ port, protocol }: URL): string =>
  port === '' ? (protocol === 'https:' ? '443' : '80') : port;
