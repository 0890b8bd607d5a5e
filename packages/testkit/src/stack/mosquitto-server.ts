// An MQTT broker of a test's own: mosquitto with persistence, so that sessions and what waits in them outlive a stop, as
// the brokers do that people run. Plain on one port; with certificates, on a second port over TLS.
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createLocalServer, type LocalServer, startOnOwnPorts } from './local-server.ts';
import { findMosquitto, libraryEnvironment } from './mosquitto-program.ts';
import { cacheDirOf } from './places.ts';
import { isPortFree, pickPort } from './ports.ts';
import type { Say } from './progress.ts';
import { runCommand } from './run-command.ts';

export interface MosquittoOptions {
  /** Directory of this broker alone; made when missing. */
  readonly dir: string;
  /** Who may connect; default: everybody. */
  readonly user?: { readonly name: string; readonly password: string };
  /** The broker's certificate and its key, and the authority behind it, as PEM texts; default: no TLS. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** More lines of mosquitto.conf, for both listeners. */
  readonly settings?: readonly string[];
  /** Default: silent. */
  readonly say?: Say;
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

export interface MosquittoServer extends LocalServer {
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
  /** `mqtts://localhost:PORT`; null without certificates. */
  readonly tlsUrl: string | null;
}

/**
 * Starts mosquitto on 127.0.0.1 and resolves when it answers a CONNECT. Throws a `StackError` `unavailable` when there is
 * none and none can be fetched.
 */
export const startMosquitto = async (options: MosquittoOptions): Promise<MosquittoServer> => {
  const { say = () => {}, env = process.env, signal, user, tls } = options;
  const dir = resolve(options.dir);
  const program = await findMosquitto({ env, cacheDir: options.cacheDir ?? cacheDirOf(env), say, signal });
  const withLibraries = libraryEnvironment(env, program);
  let port = 0;
  let tlsPort = 0;
  const server = createLocalServer({
    name: 'mosquitto',
    dir,
    env: withLibraries,
    say,
    prepare: async (starting) => {
      const passwords = join(dir, 'passwords');
      if (user !== undefined) {
        const args = ['-b', '-c', passwords, user.name, user.password];
        await runCommand(program.passwordTool, args, { env: withLibraries, signal: starting });
      }
      if (port === 0) port = await pickPort([], new Set(), isPortFree);
      if (tls !== undefined && tlsPort === 0) tlsPort = await pickPort([], new Set([port]), isPortFree);
      const listeners = [
        `listener ${port} 127.0.0.1`,
        ...(tls === undefined
          ? []
          : [`listener ${tlsPort} 127.0.0.1`, ...(await tlsFiles(dir, tls)), 'require_certificate false']),
      ];
      const config = [
        'per_listener_settings false',
        user === undefined ? 'allow_anonymous true' : 'allow_anonymous false',
        ...(user === undefined ? [] : [`password_file ${passwords}`]),
        'persistence true',
        `persistence_location ${dir}/`,
        // Saved at once: what a publisher was told is kept is kept, also when the broker is killed.
        'autosave_on_changes true',
        'autosave_interval 1',
        'max_queued_messages 0',
        'log_dest stderr',
        // Started by root it would become a user who may not read this directory.
        'user root',
        ...(options.settings ?? []),
        ...listeners,
        '',
      ];
      const file = join(dir, 'mosquitto.conf');
      await writeFile(file, config.join('\n'));
      return { command: program.path, args: ['-c', file] };
    },
    ask: () => askMosquitto(port),
  });
  await startOnOwnPorts(server, signal, async () => {
    const isTaken = !(await isPortFree(port)) || (tlsPort !== 0 && !(await isPortFree(tlsPort)));
    if (isTaken) port = tlsPort = 0;
    return isTaken;
  });
  return {
    get pid() {
      return server.pid;
    },
    start: server.start,
    kill: server.kill,
    stop: server.stop,
    url: `mqtt://127.0.0.1:${port}`,
    tlsUrl: tls === undefined ? null : `mqtts://localhost:${tlsPort}`,
  };
};

/** Writes what mosquitto reads from files, and gives the lines that name them. */
const tlsFiles = async (dir: string, tls: NonNullable<MosquittoOptions['tls']>): Promise<readonly string[]> =>
  Promise.all(
    (['ca', 'cert', 'key'] as const).map(async (name) => {
      const file = join(dir, `${name}.pem`);
      await writeFile(file, tls[name], { mode: 0o600 });
      return `${name}file ${file}`;
    }),
  );

/** CONNECT of MQTT 3.1.1: clean session, keep-alive 10 s, client id `ask`. */
const connectPacket = Buffer.from([16, 15, 0, 4, 77, 81, 84, 84, 4, 2, 0, 10, 0, 3, 97, 115, 107]);
const connackType = 0x20;
const askTimeoutMs = 1_000;

/** Throws while no MQTT broker answers at the port; a refusal of user or password is an answer. */
const askMosquitto = (port: number): Promise<void> =>
  new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(askTimeoutMs, () => socket.destroy(new Error(`nothing answers at port ${port}`)));
    socket.once('connect', () => socket.write(connectPacket));
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer[0] === connackType) done();
      else fail(new Error(`what answers at port ${port} is no MQTT broker`));
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`the broker at port ${port} closed the connection`)));
  });
