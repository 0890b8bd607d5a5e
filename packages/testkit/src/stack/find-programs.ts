// The programs on the PATH that a stack can be made of, and whether they are recent enough.
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Sighting } from './choose-ways.ts';
import { runCommand } from './run-command.ts';

type Env = NodeJS.ProcessEnv;

/** The oldest Redis that has all commands we use. */
const oldestRedis = [6, 2] as const;

export const findRedisServer = async (env: Env): Promise<Sighting> => {
  const tooOld: string[] = [];
  for (const name of ['redis-server', 'valkey-server']) {
    const path = await findOnPath(name, env);
    if (path === null) continue;
    const version = /v=(\d+)\.(\d+)[.\d]*/.exec(await outputOf(path, ['--version'], env));
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    const label = `${name} ${version?.[0].slice(2) ?? 'of unknown version'}`;
    if (major > oldestRedis[0] || (major === oldestRedis[0] && minor >= oldestRedis[1]))
      return { found: true, path, label };
    tooOld.push(`${label} (${path}) is older than ${oldestRedis.join('.')}`);
  }
  return {
    found: false,
    why: tooOld.length > 0 ? tooOld.join('; ') : 'neither redis-server nor valkey-server is on the PATH',
  };
};

/** Kafka 4.1 runs on Java 17 and later. */
const oldestJava = 17;

export const findJava = async (env: Env): Promise<Sighting> => {
  const home = env['JAVA_HOME'];
  const inHome = home ? join(home, 'bin', 'java') : null;
  const onPath = await findOnPath('java', env);
  const tooOld: string[] = [];
  for (const path of [inHome, onPath]) {
    if (path === null || !(await isExecutable(path))) continue;
    // On macOS /usr/bin/java is there without any Java; it answers with an error.
    const version = /version "(?:1\.)?(\d+)[^"]*"/.exec(await outputOf(path, ['-version'], env));
    const major = Number(version?.[1]);
    if (major >= oldestJava)
      return { found: true, path, label: `Java ${/"(.*)"/.exec(version?.[0] ?? '')?.[1] ?? major}` };
    if (version !== null) tooOld.push(`Java ${major} (${path}) is older than ${oldestJava}`);
  }
  return {
    found: false,
    why: tooOld.length > 0 ? tooOld.join('; ') : 'no java on the PATH or in JAVA_HOME',
  };
};

export const findMaven = async (env: Env): Promise<Sighting> => {
  const path = await findOnPath('mvn', env);
  return path === null ? { found: false, why: 'no mvn on the PATH' } : { found: true, path, label: 'Maven' };
};

export const findPython = async (env: Env): Promise<Sighting> => {
  for (const name of ['python3', 'python']) {
    const path = await findOnPath(name, env);
    if (path !== null) return { found: true, path, label: 'Python' };
  }
  return { found: false, why: 'no python3 on the PATH' };
};

const findOnPath = async (name: string, env: Env): Promise<string | null> => {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (directory !== '' && (await isExecutable(path))) return path;
  }
  return null;
};

const isExecutable = async (path: string): Promise<boolean> => {
  const isAllowed = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isAllowed && (await stat(path)).isFile();
};

const outputOf = async (path: string, args: readonly string[], env: Env): Promise<string> => {
  try {
    const { stdout, stderr } = await runCommand(path, args, { env, timeoutMs: 10_000 });
    return `${stdout}\n${stderr}`; // java writes its version to standard error
  } catch {
    return ''; // a program that cannot even say its version is no program for us
  }
};
