// An answer whose bytes are all there: one that was read for a look at it, or one that was saved.
import { tmpdir } from 'node:os';
import type { HttpResponse } from '../http/http-client.ts';
import type { JsonParser } from '../http/parse-large-json.ts';
import { bodyReaders } from '../http/read-answer.ts';
import type { Redactor } from '../http/secrets.ts';
import { spoolAboveBytes } from '../http/whole-answer.ts';

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  /** When it began to arrive, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** How a source reads it: as it reads one from the network. */
export interface KeptReading {
  /** Its address, as it may be shown. */
  readonly place: string;
  readonly redact: Redactor;
  readonly jsonParser: JsonParser;
  readonly signal: AbortSignal;
}

/** The answer as a source gets it. It has no receipt and costs nothing. */
export const responseOfKept = (
  { status, headers, bytes, receivedAtMs }: KeptAnswer,
  reading: KeptReading,
): HttpResponse => ({
  status,
  headers,
  receivedAtMs,
  unchanged: null,
  receipt: () => null,
  charge: async () => {},
  ...bodyReaders(piecesOf(bytes), { ...reading, spool: { aboveBytes: spoolAboveBytes, directory: tmpdir() } }),
});

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** Reads a body to its end. */
export const readAll = async (body: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
};
