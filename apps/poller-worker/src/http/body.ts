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

const blockBytes = 65_536;

/**
 * Reads a body to its end into blocks of 64 KiB, which cost what the body has in bytes however small the pieces were
 * that it came in. Rejects as the body does.
 */
export const collectBlocks = async (body: AsyncIterable<Buffer>): Promise<readonly Buffer[]> => {
  const blocks: Buffer[] = [];
  let block = Buffer.allocUnsafeSlow(blockBytes);
  let used = 0;
  for await (const chunk of body) {
    let at = 0;
    while (at < chunk.length) {
      const copied = chunk.copy(block, used, at);
      at += copied;
      used += copied;
      if (used < blockBytes) continue;
      blocks.push(block);
      block = Buffer.allocUnsafeSlow(blockBytes);
      used = 0;
    }
  }
  if (used > 0) blocks.push(Buffer.from(block.subarray(0, used)));
  return blocks;
};

/** The blocks as text, one after the other; a character that lies across two blocks stays whole. */
export function* textOf(blocks: Iterable<Buffer>): Generator<string> {
  const decoder = new StringDecoder('utf8');
  for (const block of blocks) yield decoder.write(block);
  yield decoder.end();
}

/** A body as one text, without a byte order mark. */
export const readText = async (body: AsyncIterable<Buffer>): Promise<string> =>
  new TextDecoder().decode(Buffer.concat(await collectBlocks(body)));

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
