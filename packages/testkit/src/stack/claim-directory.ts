// One run per data directory: two servers on the same files would ruin them. Whoever wants the directory first puts a file
// with its mark there and then looks for the marks of others; when a live one is there, it takes its own away again. Of
// two that come at once each sees the other, or the later one sees the earlier one: so never two go on, at worst none,
// and those try again after a random moment. A mark whose process is gone counts for nothing and is removed.
import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, markProcess, type ProcessMark, parseMark } from './process-identity.ts';
import { StackError } from './stack-error.ts';

const filePrefix = 'owner-';
const attempts = 4;

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
  const mark = JSON.stringify(await markProcess(process.pid));
  for (let attempt = 1; ; attempt += 1) {
    const name = `${filePrefix}${randomUUID()}`;
    const file = join(directory, name);
    const release = async (): Promise<void> => rm(file, { force: true });
    const draft = join(directory, `.${name}`);
    await writeFile(draft, mark);
    await rename(draft, file); // so that nobody reads half a mark
    const owner = await liveOwner(directory, name);
    if (owner === null) return { release };
    await release();
    if (attempt === attempts) throw inUse(directory, owner);
    await pause(randomInt(10, 60 * attempt));
  }
};

/** The live process that has claimed the directory, or null. */
export const ownerOf = async (directory: string): Promise<ProcessMark | null> => liveOwner(directory, null);

const liveOwner = async (directory: string, except: string | null): Promise<ProcessMark | null> => {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(filePrefix) || name === except) continue;
    const file = join(directory, name);
    const owner = parseMark(await readFile(file, 'utf8').catch(() => ''));
    if (owner !== null && (await isAlive(owner))) return owner;
    await rm(file, { force: true });
  }
  return null;
};

const inUse = (directory: string, owner: ProcessMark): StackError =>
  new StackError(
    'in_use',
    `${directory} is in use by a run that is alive (process ${owner.pid}). ` +
      'Stop that run first, or give this one a data directory of its own (STREAM_DATA_DIR).',
  );
