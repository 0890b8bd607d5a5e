import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type GuardedCommand, spawnGuarded } from '../../src/stack/guarded-process.ts';
import { markProcess } from '../../src/stack/process-identity.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const shell = (directory: string, script: string, graceSeconds = 5): GuardedCommand => ({
  command: '/bin/sh',
  args: ['-c', script],
  cwd: directory,
  env: process.env,
  logFile: join(directory, 'log'),
  graceSeconds,
});

const isGone = (pid: number) => async (): Promise<boolean> => (await markProcess(pid)) === null;

it('runs the command under its own process id and keeps what it prints', async () => {
  await using directory = await temporaryDirectory();
  const server = await spawnGuarded(shell(directory.path, 'echo "I am $$"; echo oops >&2; exit 3'));
  expect(await server.exited).toBe(3);
  expect(server.isRunning()).toBe(false);
  expect(await readFile(join(directory.path, 'log'), 'utf8')).toBe(`I am ${server.pid}\noops\n`);
});

it('ends with SIGTERM, and a frozen process too', async () => {
  await using directory = await temporaryDirectory();
  const server = await spawnGuarded(shell(directory.path, 'exec sleep 60'));
  server.kill('SIGSTOP');
  await server.end();
  expect(await server.exited).toBe(128 + 15);
  await server.end();
});

it('kills what does not end within the grace time', async () => {
  await using directory = await temporaryDirectory();
  const server = await spawnGuarded(shell(directory.path, "trap '' TERM; echo ready; while :; do sleep 0.1; done", 1));
  await waitUntil('the trap', async () => (await readFile(join(directory.path, 'log'), 'utf8')).includes('ready'));
  await server.end();
  expect(await server.exited).toBe(128 + 9);
});

it('does not share our process group, which a Ctrl-C in the terminal reaches', async () => {
  await using directory = await temporaryDirectory();
  const server = await spawnGuarded(shell(directory.path, 'exec sleep 60'));
  const groupOf = async (pid: number): Promise<string> => {
    const ps = spawn('ps', ['-o', 'pgid=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(createInterface({ input: ps.stdout }), 'line');
    return String(line).trim();
  };
  expect(await groupOf(server.pid)).not.toBe(await groupOf(process.pid));
  await server.end();
});

it('ends the server when the process that started it is killed', async () => {
  await using directory = await temporaryDirectory();
  const owner = spawn(
    process.execPath,
    [fileURLToPath(new URL('./owner-of-a-sleep.ts', import.meta.url)), directory.path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = await once(createInterface({ input: owner.stdout }), 'line');
  const pid = Number(line);
  expect(await markProcess(pid)).not.toBe(null);
  owner.kill('SIGKILL');
  await waitUntil(`process ${pid} to end with its owner`, isGone(pid));
});

it('says so when the command does not exist', async () => {
  await using directory = await temporaryDirectory();
  const server = await spawnGuarded({ ...shell(directory.path, ''), command: join(directory.path, 'no-such-program') });
  expect(await server.exited).toBe(127);
  expect(await readFile(join(directory.path, 'log'), 'utf8')).toMatch(
    /no-such-program.*not found|not found.*no-such-program/,
  );
});
