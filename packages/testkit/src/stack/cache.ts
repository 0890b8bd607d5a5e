// Keeps what was downloaded once. An entry is a directory that is filled under another name and renamed when it is
// complete: a run that is killed half-way leaves no entry, and of two that download at once the first to finish wins.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const unfinishedPrefix = '.unfinished-';
/** Longer than any download may take: what is older was left by a killed run. */
const abandonedAfterMs = 3_600_000;

/** Whether the entry is there, complete. */
export const isCached = (cacheDir: string, entry: string): boolean => existsSync(join(cacheDir, entry));

/**
 * Gives the path of the entry; when it is not there, calls `fill` with an empty directory that becomes the entry.
 * An error of `fill` is passed on and leaves nothing behind.
 */
export const cached = async (
  cacheDir: string,
  entry: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> => {
  const path = join(cacheDir, entry);
  if (existsSync(path)) return path;
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const unfinished = await mkdtemp(join(cacheDir, `${unfinishedPrefix}${entry}-`));
  try {
    await fill(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // A rename onto a filled directory fails: another process has finished the same download first.
    if (!existsSync(path)) throw error;
  }
  return path;
};

const removeAbandoned = async (cacheDir: string): Promise<void> => {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(unfinishedPrefix)) continue;
    const path = join(cacheDir, name);
    // Another process may rename or remove it meanwhile: then there is nothing to do.
    const age = await stat(path).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
};
