// What happens to the bytes of an answer on their way to a parser: decompressed, bounded, collected.

import { pipeline, type Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
  zstd: createZstdDecompress,
};

/** What we can decompress, as the `Accept-Encoding` header says it. */
export const acceptEncoding = 'gzip, br, zstd, deflate';

/** More layers than this are nobody's honest answer. */
const maxLayers = 3;

/** The layers of a `Content-Encoding` header in the order in which they come off; null if one of them is unknown. */
export const encodingsOf = (header: string | undefined): readonly string[] | null => {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase());
  const layers = names.filter((name) => name !== '' && name !== 'identity').reverse();
  return layers.length <= maxLayers && layers.every((name) => name in decoders) ? layers : null;
};

/** Takes the layers off. A truncated or damaged stream rejects with zlib's error. */
export const decompress = (source: AsyncIterable<Buffer>, layers: readonly string[]): AsyncIterable<Buffer> =>
  layers.reduce<AsyncIterable<Buffer>>((inner, name) => {
    const decoder = decoders[name]?.();
    if (decoder === undefined) return inner;
    // The error reaches whoever reads the decoder; the callback has nothing to add.
    pipeline(inner, decoder, () => {});
    return decoder;
  }, source);

/** Pieces that are taken once: a second reader would find nothing, and take it for an empty answer. `place`: for its error. */
export const readOnce = (pieces: () => AsyncGenerator<Buffer>, place: string): AsyncIterable<Buffer> => {
  let isTaken = false;
  return {
    [Symbol.asyncIterator]: () => {
      if (isTaken) throw new Error(`the body of ${place} was read already`);
      isTaken = true;
      return pieces();
    },
  };
};

/** Bytes of a block. */
export const blockBytes = 65_536;

/** A block to be filled, 64 KiB. */
export const newBlock = (): Buffer => Buffer.allocUnsafeSlow(blockBytes);

/**
 * Copies a body into blocks, which cost what the body has in bytes however small the pieces were that it came in. `take`
 * gets each full block and gives the one that is filled next: a new one, or the same. Gives the last block, which is not
 * full. Rejects as the body or `take` does.
 */
export const fillBlocks = async (
  body: AsyncIterable<Buffer>,
  take: (block: Buffer) => Buffer | Promise<Buffer>,
): Promise<Buffer> => {
  let block = newBlock();
  let used = 0;
  for await (const piece of body) {
    let at = 0;
    while (at < piece.length) {
      const copied = piece.copy(block, used, at);
      at += copied;
      used += copied;
      if (used < blockBytes) continue;
      const next = take(block);
      block = next instanceof Promise ? await next : next;
      used = 0;
    }
  }
  return Buffer.from(block.subarray(0, used));
};

/** The blocks as text, one after the other; a character that lies across two blocks stays whole. */
export async function* textOf(blocks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  for await (const block of blocks) yield decoder.write(block);
  yield decoder.end();
}

/** A body in blocks of its own. */
export const readBlocks = async (body: AsyncIterable<Buffer>): Promise<readonly Buffer[]> => {
  const blocks: Buffer[] = [];
  const rest = await fillBlocks(body, (block) => {
    blocks.push(block);
    return newBlock();
  });
  return [...blocks, rest];
};

/** Blocks as one text, without a byte order mark: it is in memory twice while it is decoded. */
export const decodeBlocks = (blocks: readonly Buffer[]): string => new TextDecoder().decode(Buffer.concat(blocks));

/** At most the first `maxBytes` of a body as text, and whether that was all of it. What fails later is left aside. */
export const readBeginning = async (
  body: AsyncIterable<Buffer>,
  maxBytes: number,
): Promise<{ readonly text: string; readonly isWhole: boolean }> => {
  const chunks: Buffer[] = [];
  let size = 0;
  let isWhole = true;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= maxBytes) continue;
      isWhole = false;
      break;
    }
  } catch {
    // Only the beginning is wanted, for an error that is about something else.
    isWhole = false;
  }
  return { text: new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes)), isWhole };
};
