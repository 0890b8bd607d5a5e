// Whether a Docker engine answers, asked in the places where testcontainers will look for one, without loading it.
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Sighting } from './choose-ways.ts';

/** How long a Docker engine may take for its first answer before it counts as absent. */
const dockerAnswerMs = 2_000;

/** Looks where testcontainers will look: `DOCKER_HOST`, the system's socket, the user's sockets. */
export const findDocker = async (env: NodeJS.ProcessEnv): Promise<Sighting> => {
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
