// The data directory of a checkout (git-ignored): where `npm start` keeps the local services' data, its log, and for
// streamctl the address and password of the running API, and which config runs.
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

/** The config that runs, and the variables that `npm start` itself has put into it. */
export interface RunningConfig {
  /** Absolute path. */
  readonly path: string;
  /** Where the simulated providers are, and their keys; empty for a config of the user's own. */
  readonly variables: Readonly<Record<string, string>>;
}

const accessFile = (directory: string): string => join(directory, 'api.json');
const configFile = (directory: string): string => join(directory, 'running-config.json');

/** Leaves a file that only this user can read. */
const leave = async (file: string, value: unknown): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  // The mode above counts only when the file is new.
  await chmod(file, 0o600);
};

/** What somebody left; null when nobody runs here, it belongs to somebody else, or it is unreadable. */
const readLeft = async (file: string): Promise<Readonly<Record<string, unknown>> | null> => {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    // The caller says what to do without it.
    return null;
  }
};

/** Leaves the access for streamctl, readable by this user only. */
export const writeApiAccess = (directory: string, access: ApiAccess): Promise<void> =>
  leave(accessFile(directory), access);

/** Takes the access away when the API ends. */
export const removeApiAccess = async (directory: string): Promise<void> => {
  await rm(accessFile(directory), { force: true });
};

/** The access somebody left, or null. */
export const readApiAccess = async (directory: string): Promise<ApiAccess | null> => {
  const { url, user, password } = (await readLeft(accessFile(directory))) ?? {};
  return typeof url === 'string' && typeof user === 'string' && typeof password === 'string'
    ? { url, user, password }
    : null;
};

/** Leaves the running config, readable by this user only. */
export const writeRunningConfig = (directory: string, config: RunningConfig): Promise<void> =>
  leave(configFile(directory), config);

/** Takes it away when the run ends. */
export const removeRunningConfig = async (directory: string): Promise<void> => {
  await rm(configFile(directory), { force: true });
};

/** The running config somebody left, or null. */
export const readRunningConfig = async (directory: string): Promise<RunningConfig | null> => {
  const { path, variables } = (await readLeft(configFile(directory))) ?? {};
  if (typeof path !== 'string' || typeof variables !== 'object' || variables === null) return null;
  const texts = Object.entries(variables).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { path, variables: Object.fromEntries(texts) };
};
