// The data directory of a broker, made once: Kafka refuses a directory that it has not formatted, and formatting takes a
// Java start of its own.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A cluster id as Kafka makes them: 16 random bytes in base64url (one that starts with `-` would be read as an option). */
export const newClusterId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
};

/**
 * Formats the data directory at the first start and gives the id of the cluster in it. The marker is written last, so a
 * format that was cut off is done again from nothing.
 */
export const formatOnce = async (
  dir: string,
  dataDir: string,
  clusterId: string,
  format: () => Promise<void>,
): Promise<string> => {
  const marker = join(dir, 'cluster-id');
  const existing = await readFile(marker, 'utf8').catch(() => null);
  if (existing !== null) return existing;
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  await format();
  await writeFile(`${marker}.new`, clusterId);
  await rename(`${marker}.new`, marker);
  return clusterId;
};
