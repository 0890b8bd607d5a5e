// A temporary file for what is too large to be kept in memory. It has no name from the moment at which it is open, so
// that it is gone with its process, however that ends; only its owner can read it.
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** An open file without a name. Every act rejects with what the disk answered. */
export interface SpoolFile {
  /** Writes all of it at the end. */
  append(bytes: Buffer): Promise<void>;
  /** Fills the buffer from `position` as far as the file goes; gives how many bytes that were, 0 at the end. */
  readInto(buffer: Buffer, position: number): Promise<number>;
  /** Gives the disk its room back. Idempotent. */
  close(): Promise<void>;
}

/** Opens one in a directory. */
export const openSpoolFile = async (directory: string): Promise<SpoolFile> => {
  const path = join(directory, `stream-manager-${randomUUID()}.spool`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return spoolFileOn(file);
};

const spoolFileOn = (file: FileHandle): SpoolFile => {
  let end = 0;
  let isClosed = false;
  return {
    append: async (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, end);
        at += bytesWritten;
        end += bytesWritten;
      }
    },
    readInto: async (buffer, position) => {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await file.close();
    },
  };
};
