// The data directory of a checkout (git-ignored): where `npm start` keeps the local services' data, its log, and the
// address and password of the running API for streamctl.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this checkout. */
export const projectRoot = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))));

/** `STREAM_DATA_DIR`, relative to the project; default `.stream-manager` in it. */
export const dataDirectory = (env: Readonly<Record<string, string | undefined>>): string =>
  resolve(projectRoot, env.STREAM_DATA_DIR ?? '.stream-manager');

/** How to reach a running API. */
export interface ApiAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const accessFile = (directory: string): string => join(directory, 'api.json');

/** Leaves the access for streamctl, readable by this user only. */
export const writeApiAccess = async (directory: string, access: ApiAccess): Promise<void> => {
  await mkdir(directory, { recursive: true });
  await writeFile(accessFile(directory), `${JSON.stringify(access)}\n`, { mode: 0o600 });
  // The mode above counts only when the file is new.
  await chmod(accessFile(directory), 0o600);
};

/** Takes the access away when the API ends. */
export const removeApiAccess = async (directory: string): Promise<void> => {
  await rm(accessFile(directory), { force: true });
};

/** The access somebody left, or null. */
export const readApiAccess = async (directory: string): Promise<ApiAccess | null> => {
  let text: string;
  try {
    text = await readFile(accessFile(directory), 'utf8');
  } catch {
    // Nobody runs here, or it belongs to somebody else: the caller says how to name the API.
    return null;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return null;
  const { url, user, password } = Object.fromEntries(Object.entries(value));
  return typeof url === 'string' && typeof user === 'string' && typeof password === 'string'
    ? { url, user, password }
    : null;
};
