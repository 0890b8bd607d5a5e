// A process that a test kills: it starts a guarded `sleep` in the directory given, prints its process id, and stays.
import { join } from 'node:path';
import { spawnGuarded } from '../../src/stack/guarded-process.ts';

const directory = process.argv[2] ?? '.';
const server = await spawnGuarded({
  command: 'sleep',
  args: ['60'],
  cwd: directory,
  env: process.env,
  logFile: join(directory, 'log'),
  graceSeconds: 5,
});
process.stdout.write(`${server.pid}\n`);
await server.exited;
