// Where a local MQTT broker comes from: mosquitto on the PATH (or where system packages put servers), else the packages of
// Debian and its kin, fetched by name with apt and unpacked into the cache. Nothing is installed and no root is needed;
// what the program misses of shared libraries is fetched likewise, by the names that Debian gives to libraries.
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { cached } from './cache.ts';
import { type Say, withProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

/** mosquitto, the program that makes its password files, and where their libraries are. */
export interface MosquittoProgram {
  readonly path: string;
  readonly passwordTool: string;
  /** Directories of shared libraries, for LD_LIBRARY_PATH; empty for an installed mosquitto. */
  readonly libraries: readonly string[];
}

/** What it takes to look for it. */
export interface MosquittoContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
}

/** Servers often lie where the PATH of a user does not lead. */
const serverDirectories = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

const cacheEntry = `mosquitto-${process.platform}-${process.arch}`;

/** Each look may show libraries that the ones before needed; mosquitto needs two. */
const maxLooks = 4;

/** Finds mosquitto, or fetches it. Throws a `StackError` `unavailable` that says what to install. */
export const findMosquitto = async (context: MosquittoContext): Promise<MosquittoProgram> => {
  const { env } = context;
  const directories = [...(env['PATH'] ?? '').split(delimiter).filter((path) => path !== ''), ...serverDirectories];
  const path = firstIn(directories, 'mosquitto');
  const passwordTool = firstIn(directories, 'mosquitto_passwd');
  if (path !== null && passwordTool !== null) return { path, passwordTool, libraries: [] };
  try {
    const directory = await cached(context.cacheDir, cacheEntry, (into) =>
      withProgress(context.say, 'fetching the Debian package mosquitto (0.4 MB, once)', fetchPackages(context, into)),
    );
    return await programIn(directory);
  } catch (error) {
    throw new StackError(
      'unavailable',
      `no MQTT broker can be had: install mosquitto (Debian: apt-get install mosquitto; macOS: brew install mosquitto); fetching its Debian package failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
};

const firstIn = (directories: readonly string[], name: string): string | null =>
  directories.map((directory) => join(directory, name)).find((path) => existsSync(path)) ?? null;

const programIn = async (directory: string): Promise<MosquittoProgram> => {
  const root = join(directory, 'root');
  const libraries: string[] = [];
  for (const place of [join(root, 'usr', 'lib'), join(root, 'lib')]) {
    const names = await readdir(place).catch(() => []); // not every package has both
    libraries.push(place, ...names.filter((name) => name.includes('-linux-')).map((name) => join(place, name)));
  }
  return {
    path: join(root, 'usr', 'sbin', 'mosquitto'),
    passwordTool: join(root, 'usr', 'bin', 'mosquitto_passwd'),
    libraries,
  };
};

const fetchPackages = async (context: MosquittoContext, directory: string): Promise<void> => {
  await unpack(context, directory, ['mosquitto']);
  for (let look = 0; look < maxLooks; look += 1) {
    const missing = await missingLibraries(context, await programIn(directory));
    if (missing.length === 0) return;
    for (const library of missing) await unpack(context, directory, packagesOf(library));
  }
  throw new Error('its libraries need more libraries than expected');
};

/** Tries the names of a package one after the other and unpacks the first that there is. */
const unpack = async (context: MosquittoContext, directory: string, names: readonly string[]): Promise<void> => {
  let lastError: unknown;
  for (const name of names) {
    try {
      const archives = join(directory, 'archives', name);
      await mkdir(archives, { recursive: true });
      await download(context, directory, name, archives);
      for (const archive of await readdir(archives)) {
        const options = { env: context.env, signal: context.signal };
        await runCommand('dpkg-deb', ['-x', join(archives, archive), join(directory, 'root')], options);
      }
      return;
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
};

/** With the machine's own lists of packages, and where it has none, with lists of our own. */
const download = async (context: MosquittoContext, directory: string, name: string, into: string): Promise<void> => {
  const options = { cwd: into, env: context.env, signal: context.signal };
  try {
    await runCommand('apt-get', ['download', '--quiet', name], options);
  } catch {
    const state = join(directory, 'apt');
    await mkdir(join(state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(state, 'cache', 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${join(state, 'cache')}`];
    await runCommand('apt-get', [...own, '--quiet', 'update'], options);
    await runCommand('apt-get', [...own, 'download', '--quiet', name], options);
  }
};

const missingLibraries = async (context: MosquittoContext, program: MosquittoProgram): Promise<readonly string[]> => {
  const env = libraryEnvironment(context.env, program);
  const missing = new Set<string>();
  for (const path of [program.path, program.passwordTool]) {
    const { stdout } = await runCommand('ldd', [path], { env, signal: context.signal });
    for (const [, name] of stdout.matchAll(/^\s*(\S+) => not found/gm)) if (name !== undefined) missing.add(name);
  }
  return [...missing];
};

/** Debian's rule: `libev.so.4` is in libev4, `libuv1.so.2` in libuv1-2; on 64-bit time `t64` may follow. Pure. */
export const packagesOf = (library: string): readonly string[] => {
  const [stem = '', version = ''] = library.toLowerCase().replaceAll('_', '-').split('.so.');
  const name = `${stem}${/\d$/.test(stem) ? '-' : ''}${version}`;
  return [name, `${name}t64`];
};

/** The environment with the libraries of the program in front. */
export const libraryEnvironment = (env: NodeJS.ProcessEnv, { libraries }: MosquittoProgram): NodeJS.ProcessEnv => {
  const path = [...libraries, env['LD_LIBRARY_PATH'] ?? ''].filter((one) => one !== '').join(delimiter);
  return path === '' ? env : { ...env, LD_LIBRARY_PATH: path };
};
