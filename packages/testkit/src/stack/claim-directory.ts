// One run per data directory. Two servers on the same files would ruin them, so the directory holds the mark of the
// process that works in it; a mark whose process is gone counts for nothing. Taking is one atomic step (a hard link or
// an exclusive file), and so is taking away a dead mark (a rename), so of several starts at most one gets through.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, markProcess, type ProcessMark, parseMark } from './process-identity.ts';
import { StackError } from './stack-error.ts';

const ownerFile = 'owner.json';

export interface Claim {
  /** Gives the directory free. Idempotent. */
  readonly release: () => Promise<void>;
}

/**
 * Takes `directory` (made when missing) for this process.
 * Throws a `StackError` `in_use` that names the owner when a live process has it, this one included.
 */
export const claimDirectory = async (directory: string): Promise<Claim> => {
  await mkdir(directory, { recursive: true });
  const file = join(directory, ownerFile);
  const self = await markProcess(process.pid);
  const content = JSON.stringify({ ...(self ?? { pid: process.pid, startedAt: '' }), claim: randomUUID() });
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (await createExclusively(file, content)) {
      return {
        release: async () => {
          if ((await readText(file)) === content) await rm(file, { force: true });
        },
      };
    }
    const owner = await readOwner(file);
    if (owner !== null && (await isAlive(owner))) throw inUse(directory, owner);
    const aside = `${file}.${randomUUID()}`;
    if (!(await rename(file, aside).then(isTrue, isFalse))) continue;
    // Between our look and our rename another start may have put its own, live mark there: then it goes back.
    const moved = await readOwner(aside);
    const isLive = moved !== null && (await isAlive(moved));
    if (isLive) await link(aside, file).catch(() => {}); // a third start was quicker: that one owns it
    await rm(aside, { force: true });
    if (isLive) throw inUse(directory, moved);
  }
  throw new StackError('in_use', `${directory} could not be taken: other runs keep starting in it. Try again.`);
};

/** The live process that has claimed the directory, or null. */
export const ownerOf = async (directory: string): Promise<ProcessMark | null> => {
  const owner = await readOwner(join(directory, ownerFile));
  return owner !== null && (await isAlive(owner)) ? owner : null;
};

const inUse = (directory: string, owner: ProcessMark): StackError =>
  new StackError(
    'in_use',
    `${directory} is in use by a run that is alive (process ${owner.pid}). ` +
      'Stop that run first, or give this one a data directory of its own (STREAM_DATA_DIR).',
  );

const createExclusively = async (file: string, content: string): Promise<boolean> => {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, content);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    // No hard links on this file system: the exclusive flag is nearly as good (a reader may see the file still empty).
    return await writeFile(file, content, { flag: 'wx' }).then(isTrue, isFalse);
  } finally {
    await rm(draft, { force: true });
  }
};

const readOwner = async (file: string): Promise<ProcessMark | null> => {
  const text = await readText(file);
  if (text === null) return null;
  try {
    return parseMark(JSON.parse(text));
  } catch {
    return null; // not ours, or cut off: as good as no mark
  }
};

const readText = async (file: string): Promise<string | null> => readFile(file, 'utf8').catch(() => null);

const isErrorCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;
