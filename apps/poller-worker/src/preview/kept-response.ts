// An answer whose bytes are all there: one that was read for a look at it, or one that was saved.
import { readOnce } from '../http/body.ts';
import type { HttpResponse } from '../http/http-client.ts';
import { bodyReaders, type ReadOptions } from '../http/read-answer.ts';
import { temporarySpool } from '../http/whole-answer.ts';

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  /** When it began to arrive, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** How a source reads it: as it reads one from the network. */
export type KeptReading = Omit<ReadOptions, 'spool'>;

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
  ...bodyReaders(
    readOnce(() => piecesOf(bytes), reading.place),
    { ...reading, spool: temporarySpool() },
  ),
});

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
