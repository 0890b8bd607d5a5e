// A Redis of one's own: the stack's, or one that a drill kills and starts again. Set as the product demands it:
// append-only file, nothing evicted.
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chooseRedis } from './choose-ways.ts';
import { createLocalServer, type LocalServer, startOnOwnPorts } from './local-server.ts';
import { lookForRedis } from './look-around.ts';
import { cacheDirOf } from './places.ts';
import { isPortFree, pickPort } from './ports.ts';
import type { Say } from './progress.ts';
import { type Program, valkeyFromPypi } from './pypi.ts';
import { askRedis } from './readiness.ts';
import { StackError } from './stack-error.ts';

export interface RedisServerOptions {
  /** Directory of this server alone; made when missing. What lies in it is used again. */
  readonly dir: string;
  /** Default: the port of the last run in this directory when it is free, else a free one. */
  readonly port?: number;
  /** More arguments; they come last, so they win (`['--maxmemory', '100mb']`). */
  readonly args?: readonly string[];
  /** Default: silent. */
  readonly say?: Say;
  /** Default: see `places.ts`. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the start. */
  readonly signal?: AbortSignal;
  /** Default: `redis-server` or `valkey-server` from the PATH, else Valkey from PyPI. */
  readonly program?: Program;
}

export interface RedisServer extends LocalServer {
  readonly url: string;
  readonly port: number;
  /** What runs, for messages: `redis-server 7.0.15`. */
  readonly label: string;
}

/**
 * Starts Redis on 127.0.0.1 and resolves when it serves.
 * Throws a `StackError` (`unavailable`: no program can be had; `in_use`: a live run has `dir`) or an Error with the end of
 * the server's log; nothing stays running then.
 */
export const startRedisServer = async (options: RedisServerOptions): Promise<RedisServer> => {
  const { args = [], say = () => {}, env = process.env, signal } = options;
  const dir = resolve(options.dir);
  const cacheDir = options.cacheDir ?? cacheDirOf(env);
  const program = options.program ?? (await localRedisProgram({ env, cacheDir, say, signal }));
  const portFile = join(dir, 'port.json');
  let port = options.port ?? 0;

  const server = createLocalServer({
    name: 'redis',
    dir,
    env,
    say,
    prepare: async () => {
      if (port === 0) port = await pickPort(await readPort(portFile), new Set(), isPortFree);
      await writeFile(portFile, JSON.stringify(port));
      const place = { port: String(port), bind: '127.0.0.1', dir, daemonize: 'no' };
      return { command: program.path, args: [...redisArguments(place), ...args] };
    },
    ask: async (pid) => askRedis(`redis://127.0.0.1:${port}`, pid),
  });
  await startOnOwnPorts(server, signal, async () => {
    const isTaken = options.port === undefined && port !== 0 && !(await isPortFree(port));
    if (isTaken) port = 0;
    return isTaken;
  });
  return {
    get pid() {
      return server.pid;
    },
    start: server.start,
    kill: server.kill,
    stop: server.stop,
    url: `redis://127.0.0.1:${port}`,
    port,
    label: program.label,
  };
};

/** Where a local Redis comes from: the PATH, else PyPI. */
export const localRedisProgram = async (context: {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly say: Say;
  readonly signal: AbortSignal | undefined;
}): Promise<Program> => {
  const seen = await lookForRedis(context.env, context.cacheDir, false);
  const { ways, closed } = chooseRedis({ ...seen, redisUrl: null });
  for (const way of ways) {
    if (way.way === 'path') return { path: way.path, label: way.label };
    if (way.way === 'pypi') {
      return valkeyFromPypi({ ...context, python: seen.python.found ? seen.python.path : null });
    }
  }
  throw new StackError('unavailable', `no local Redis can be had: ${closed.join('; ')}`);
};

/** Of a Redis that loses nothing but what it acknowledged within its last second, here and in a container. */
const redisSettings: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'everysec',
  'maxmemory-policy': 'noeviction',
  // No snapshots: the append-only file is the truth. It is rewritten late, since a rewrite costs a fork under load.
  save: '',
  'auto-aof-rewrite-min-size': '512mb',
};

/** Pure: the command line that sets these, and what is given beside them. */
export const redisArguments = (more: Readonly<Record<string, string>> = {}): readonly string[] =>
  Object.entries({ ...more, ...redisSettings }).flatMap(([key, value]) => [`--${key}`, value]);

const readPort = async (portFile: string): Promise<readonly number[]> => {
  const port = Number(await readFile(portFile, 'utf8').catch(() => Number.NaN));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? [port] : [];
};
