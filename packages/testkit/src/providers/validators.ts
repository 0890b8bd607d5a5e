// ETag and Last-Modified of answers, and whether a conditional request already has what would be sent.
import { createHash } from 'node:crypto';

export interface Validators {
  readonly etag: string;
  readonly lastModified: string;
}

export interface ValidatorMemory {
  /** The validators of this body under this address. */
  of(address: string, body: string, clockMs: number): Validators;
}

/**
 * Remembers since when each address has had its present body, for the newest 2,000 addresses. Last-Modified moves by at
 * least one second with every change, since it has no finer grain: a body must never hide behind the date of another.
 */
export const createValidatorMemory = (): ValidatorMemory => {
  const known = new Map<string, { etag: string; changedAtSeconds: number }>();
  return {
    of: (address, body, clockMs) => {
      const etag = `W/"${createHash('sha1').update(body).digest('base64url')}"`;
      const before = known.get(address);
      const nowSeconds = Math.floor(clockMs / 1000);
      const changedAtSeconds =
        before?.etag === etag ? before.changedAtSeconds : Math.max(nowSeconds, (before?.changedAtSeconds ?? 0) + 1);
      known.delete(address);
      known.set(address, { etag, changedAtSeconds });
      const [oldest] = known.keys();
      if (known.size > 2000 && oldest !== undefined) known.delete(oldest);
      return { etag, lastModified: new Date(changedAtSeconds * 1000).toUTCString() };
    },
  };
};

/** Whether a conditional request is answered with 304; If-None-Match goes before If-Modified-Since (RFC 9110, 13.2.2). */
export const isNotModified = (
  validators: Validators,
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
): boolean => {
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '');
  if (ifNoneMatch !== undefined)
    return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => bare(tag) === bare(validators.etag));
  const since = Date.parse(ifModifiedSince ?? '');
  return !Number.isNaN(since) && Date.parse(validators.lastModified) <= since;
};
