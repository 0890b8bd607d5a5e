// Paging by a link in the answer, as NWS does it (`pagination.next`). A link is followed only inside the origin of the
// source: credentials and trust end there.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { asObject } from './json-fields.ts';

/** The next page's address, or null on the last page. Throws `response_unreadable` for a link that leads elsewhere. */
export const nextLink = (answer: unknown, baseUrl: string): string | null => {
  const next = asObject(asObject(answer)?.['pagination'])?.['next'] ?? null;
  if (next === null || next === '') return null;
  const url = typeof next === 'string' ? URL.parse(next, baseUrl) : null;
  if (url === null || url.origin !== new URL(baseUrl).origin) {
    const found = (JSON.stringify(next) ?? '').slice(0, 200);
    throw new StreamManagerError(
      'response_unreadable',
      `expected the next page at ${baseUrl}, found a link to ${found}`,
    );
  }
  return url.href;
};
