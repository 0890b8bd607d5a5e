// An answer whose bytes are all there: one that was read for a look at it, or one that was saved.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { HttpResponse } from '../http/http-client.ts';
import { answerInMemory } from '../http/whole-answer.ts';

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** The answer as a source gets it. `place`: its address, as it may be shown. It has no receipt and costs nothing. */
export const responseOfKept = (
  { status, headers, bytes }: KeptAnswer,
  place: string,
  receivedAtMs: number,
): HttpResponse => ({
  status,
  headers,
  receivedAtMs,
  unchanged: null,
  receipt: () => null,
  charge: async () => {},
  body: (async function* () {
    if (bytes.length > 0) yield bytes;
  })(),
  whole: async () => answerInMemory(bytes.length === 0 ? [] : [bytes]),
  text: async () => bytes.toString('utf8'),
  json: async () => {
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } catch {
      throw new StreamManagerError('response_unreadable', `${place} answered no JSON`);
    }
  },
});

/** Reads a body to its end. */
export const readAll = async (body: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
};
