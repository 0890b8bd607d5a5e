// The four ways in which a source reads the body of an answer, whether it comes from the provider or from the cache.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { readText } from './body.ts';
import type { HttpResponse } from './http-client.ts';
import { excerptOf, type Redactor } from './secrets.ts';
import { keepWhole, type Spool } from './whole-answer.ts';

/** How a body is read, and what its errors may say. */
export interface ReadOptions {
  /** The address as it may be shown. */
  readonly place: string;
  readonly redact: Redactor;
  /** Where a large answer is kept by `whole`. */
  readonly spool: Spool;
}

/** The part of a response that reads its body. */
export type BodyReaders = Pick<HttpResponse, 'body' | 'whole' | 'text' | 'json'>;

/** The readers of a body, of which one can be used, once. */
export const bodyReaders = (body: AsyncIterable<Buffer>, { place, redact, spool }: ReadOptions): BodyReaders => ({
  body,
  whole: () => keepWhole(body, spool),
  text: () => readText(body),
  json: async () => {
    const text = await readText(body);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The parser's own message quotes the answer, secrets included.
      const found = text.trim() === '' ? 'no byte' : `"${excerptOf(text, redact)}"`;
      throw new StreamManagerError('response_unreadable', `${place} answered no JSON but ${found}`);
    }
  },
});
