// Looks at the machine: which programs are on the PATH, whether they are recent enough, whether a Docker engine answers,
// what lies in the cache. Nothing is started or fetched; a question that gets no answer counts as "not there".
import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { isCached } from './cache.ts';
import {
  type ForcedWay,
  forcedWays,
  type KafkaSurroundings,
  type RedisSurroundings,
  type Sighting,
} from './choose-ways.ts';
import { kafkaJarsEntry } from './kafka-jars.ts';
import { javaEntry, valkeyEntry } from './pypi.ts';
import { runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

type Env = NodeJS.ProcessEnv;

/** What is there for Redis. `withDocker: false` leaves the engine alone (servers of drills are always local). */
export const lookForRedis = async (env: Env, cacheDir: string, withDocker: boolean): Promise<RedisSurroundings> => {
  const redisUrl = env['REDIS_URL'] ? env['REDIS_URL'] : null;
  const isGiven = redisUrl !== null;
  const [docker, redisServer, python] = await Promise.all([
    withDocker && !isGiven ? findDocker(env) : notLookedFor,
    isGiven ? notLookedFor : findRedisServer(env),
    isGiven ? notLookedFor : findPython(env),
  ]);
  const isValkeyCached = isCached(cacheDir, valkeyEntry);
  return { forced: forcedBy(env), platform: process.platform, redisUrl, docker, redisServer, python, isValkeyCached };
};

/** What is there for Kafka. */
export const lookForKafka = async (env: Env, cacheDir: string, withDocker: boolean): Promise<KafkaSurroundings> => {
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',').map((broker) => broker.trim());
  const kafkaBrokers = brokers.some((broker) => broker !== '') ? brokers.filter((broker) => broker !== '') : null;
  const isGiven = kafkaBrokers !== null;
  const [docker, java, maven, python] = await Promise.all([
    withDocker && !isGiven ? findDocker(env) : notLookedFor,
    isGiven ? notLookedFor : findJava(env),
    isGiven ? notLookedFor : findMaven(env),
    isGiven ? notLookedFor : findPython(env),
  ]);
  return {
    forced: forcedBy(env),
    platform: process.platform,
    kafkaBrokers,
    docker,
    java,
    maven,
    python,
    isJavaCached: isCached(cacheDir, javaEntry),
    areJarsCached: isCached(cacheDir, kafkaJarsEntry),
  };
};

const notLookedFor: Sighting = { found: false, why: 'not looked for' };

const forcedBy = (env: Env): ForcedWay | null => {
  const value = env['STREAM_STACK'];
  if (value === undefined || value === '') return null;
  const forced = forcedWays.find((way) => way === value);
  if (forced === undefined) {
    throw new StackError('invalid', `STREAM_STACK must be one of ${forcedWays.join(', ')}; it is "${value}"`);
  }
  return forced;
};

/** The oldest Redis that has all commands we use. */
const oldestRedis = [6, 2] as const;

const findRedisServer = async (env: Env): Promise<Sighting> => {
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

const findJava = async (env: Env): Promise<Sighting> => {
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

const findMaven = async (env: Env): Promise<Sighting> => {
  const path = await findOnPath('mvn', env);
  return path === null ? { found: false, why: 'no mvn on the PATH' } : { found: true, path, label: 'Maven' };
};

const findPython = async (env: Env): Promise<Sighting> => {
  for (const name of ['python3', 'python']) {
    const path = await findOnPath(name, env);
    if (path !== null) return { found: true, path, label: 'Python' };
  }
  return { found: false, why: 'no python3 on the PATH' };
};

/** How long a Docker engine may take for its first answer before it counts as absent. */
const dockerAnswerMs = 2_000;

/** Looks where testcontainers will look: `DOCKER_HOST`, the system's socket, the user's sockets. */
const findDocker = async (env: Env): Promise<Sighting> => {
  const host = env['DOCKER_HOST'];
  const sockets = host
    ? [host]
    : [
        '/var/run/docker.sock',
        ...(env['XDG_RUNTIME_DIR'] ? [join(env['XDG_RUNTIME_DIR'], 'docker.sock')] : []),
        join(homedir(), '.docker', 'run', 'docker.sock'),
        join(homedir(), '.docker', 'desktop', 'docker.sock'),
        `/run/user/${userInfo().uid}/docker.sock`,
      ].filter((path) => existsSync(path));
  for (const path of sockets) {
    const isAnswered = path.startsWith('tcp:') ? await acceptsConnection(new URL(path)) : await answersPing(path);
    if (isAnswered) return { found: true, path, label: 'Docker' };
  }
  return {
    found: false,
    why: sockets.length === 0 ? 'no engine runs here' : `no engine answers at ${sockets.join(', ')}`,
  };
};

const answersPing = async (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request(
      { socketPath: socketPath.replace(/^unix:\/\//, ''), path: '/_ping', timeout: dockerAnswerMs },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.on('close', () => resolve(false));
    asked.end();
  });

const acceptsConnection = async ({ hostname, port }: URL): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port === '' ? 2375 : port), timeout: dockerAnswerMs });
    const answer = (isAccepted: boolean): void => {
      socket.destroy();
      resolve(isAccepted);
    };
    socket.on('connect', () => answer(true));
    socket.on('timeout', () => answer(false));
    socket.on('error', () => answer(false));
  });

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
