// Reads the body of a request within a bound, unpacked on the way: what unpacks to more than the bound is given up as soon as
// that shows, however small it was.
import type { IncomingMessage } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** A body, or the status that its request is answered with and why. */
export type BodyReading =
  | { readonly body: Buffer }
  | { readonly status: 400 | 413 | 415; readonly message: string }
  /** The sender has gone away. */
  | { readonly status: null };

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Reads the body of `request`; never rejects. */
export const readBody = async (request: IncomingMessage, maxBytes: number): Promise<BodyReading> => {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (encoding !== 'identity' && decoder === undefined)
    return { status: 415, message: `Content-Encoding ${encoding} is not known; gzip, deflate and br are.` };
  const tooLarge = {
    status: 413,
    message: `The body is larger than ${maxBytes} bytes (params.maxBodyBytes).`,
  } as const;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge;
  const unpacked = decoder === undefined ? request : unpack(request, decoder());
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    // A sender that is still sending gets its answer only if its connection is left open.
    for await (const part of unpacked.iterator({ destroyOnReturn: false })) {
      // A stream without an encoding gives Buffers.
      const buffer = part as Buffer;
      bytes += buffer.length;
      if (bytes > maxBytes) return tooLarge;
      parts.push(buffer);
    }
    return { body: Buffer.concat(parts, bytes) };
  } catch {
    // Cut off by the sender, or no such packing.
    return request.destroyed && !request.complete
      ? { status: null }
      : { status: 400, message: `The body is no ${encoding}.` };
  } finally {
    if (unpacked !== request) {
      request.unpipe();
      unpacked.destroy();
    }
    // The rest of what is too large goes nowhere, for as long as the server lets a request last: a sender whose connection
    // was cut in the middle would not read why.
    request.resume();
  }
};

const unpack = (request: IncomingMessage, decoder: Transform): Readable => {
  // `pipe` tells the decoder of no error: a sender that goes away would leave it waiting.
  request.once('error', (error) => decoder.destroy(error));
  request.once('aborted', () => decoder.destroy(new Error('the sender has gone away')));
  return request.pipe(decoder);
};
