// An answer that is read to its end before anything of it is used: in memory while it is small, and in a temporary file
// beyond that. So a provider is waited for only as long as it sends, and what follows (waiting for room in a full queue
// included) takes as long as it takes, with a block at a time in memory.
import { tmpdir } from 'node:os';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { blockBytes, fillBlocks, newBlock } from './body.ts';
import { openSpoolFile, type SpoolFile } from './spool-file.ts';

/** An answer that came to its end. */
export interface WholeAnswer {
  /** Its first bytes, at most 64 KiB. */
  readonly beginning: Buffer;
  /**
   * Its bytes in blocks of at most 64 KiB, from the first, as often as it is asked for. A block holds until the next one
   * is asked for. Rejects with `spool_failed`.
   */
  blocks(): AsyncIterable<Buffer>;
  /** Gives back what it takes on the disk; it cannot be read any more. Idempotent. */
  close(): Promise<void>;
}

/** Where an answer is kept. */
export interface Spool {
  /** Up to so many bytes it stays in memory. */
  readonly aboveBytes: number;
  /** Directory of the temporary file of a larger one. */
  readonly directory: string;
}

/** Bytes of an answer that are kept in memory at most. */
const spoolAboveBytes = 16 * 1024 * 1024;

/** Where answers are kept unless somebody says otherwise: in the system's temporary directory. */
export const temporarySpool = (): Spool => ({ aboveBytes: spoolAboveBytes, directory: tmpdir() });

/** An answer in memory. */
export const answerInMemory = (blocks: readonly Buffer[]): WholeAnswer => ({
  beginning: blocks[0] ?? Buffer.alloc(0),
  blocks: async function* () {
    yield* blocks;
  },
  close: async () => {},
});

/** Reads a body to its end. Rejects as the body does, or with `spool_failed`; then nothing is left. */
export const keepWhole = async (
  body: AsyncIterable<Buffer>,
  { aboveBytes, directory }: Spool,
): Promise<WholeAnswer> => {
  const inMemory: Buffer[] = [];
  const onDisk: { file: SpoolFile | null; beginning: Buffer } = { file: null, beginning: Buffer.alloc(0) };
  try {
    const rest = await fillBlocks(body, async (block) => {
      if (onDisk.file !== null) {
        await reachDisk(directory, onDisk.file.append(block));
        return block;
      }
      inMemory.push(block);
      if (inMemory.length * blockBytes <= aboveBytes) return newBlock();
      onDisk.beginning = Buffer.from(inMemory[0] ?? block);
      onDisk.file = await reachDisk(directory, openSpoolFile(directory));
      for (const kept of inMemory.splice(0)) await reachDisk(directory, onDisk.file.append(kept));
      return block;
    });
    const { file, beginning } = onDisk;
    if (file === null) return answerInMemory(rest.length === 0 ? inMemory : [...inMemory, rest]);
    await reachDisk(directory, file.append(rest));
    return answerOnDisk(beginning, file, directory);
  } catch (error) {
    await onDisk.file?.close();
    throw error;
  }
};

const answerOnDisk = (beginning: Buffer, file: SpoolFile, directory: string): WholeAnswer => ({
  beginning,
  blocks: async function* () {
    const block = newBlock();
    for (let at = 0; ; ) {
      const filled = await reachDisk(directory, file.readInto(block, at));
      if (filled === 0) return;
      at += filled;
      yield block.subarray(0, filled);
    }
  },
  close: () => file.close(),
});

/** Waits for the disk; what it refuses is an error that says what to do. */
const reachDisk = async <T>(directory: string, act: Promise<T>): Promise<T> => {
  try {
    return await act;
  } catch (error) {
    const size = `${spoolAboveBytes / 1024 / 1024} MiB`;
    throw new StreamManagerError(
      'spool_failed',
      `an answer above ${size} is kept in a temporary file in ${directory}, which failed (${messageOf(error)}): make room there, or set TMPDIR to another directory`,
    );
  }
};
