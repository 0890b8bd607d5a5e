// How we introduce ourselves to providers. NWS refuses requests without a user agent, and asks for one that says whom to
// write to when a client misbehaves.

/** The product's name stands in for a contact that nobody gave. */
const projectContact = 'stream-manager';

/**
 * `StreamManager/<version> (+contact)`. The contact is an address or e-mail from `STREAM_CONTACT`; what cannot stand in
 * a header's comment is left out of it.
 */
export const composeUserAgent = (version: string, contact: string | undefined): string => {
  const clean = (contact ?? '').replace(/[^\x21-\x7E ]|[()\\]/g, '').trim();
  return `StreamManager/${version} (+${clean === '' ? projectContact : clean})`;
};
