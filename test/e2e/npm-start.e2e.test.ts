// `npm start` as a newcomer runs it: it ends by itself with a summary in which everything served is stored, streamctl
// finds it while it runs, and Ctrl-C ends it within seconds.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const setup = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'stream-manager-demo-'));
  const env = {
    PATH: process.env.PATH,
    REDIS_URL: inject('redisUrl'),
    KAFKA_BROKERS: inject('kafkaBrokers').join(','),
    STREAM_DATA_DIR: directory,
    STREAM__REDIS__KEYPREFIX: `demo-${randomUUID().slice(0, 8)}`,
    HTTP_PORT: '0',
  };
  const run = (script: string, args: readonly string[]) => {
    const child = spawn(process.execPath, [join(root, script), ...args], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { output: () => output, exited, kill: (signal: NodeJS.Signals) => child.kill(signal) };
  };
  return {
    directory,
    demo: (...args: readonly string[]) => run('demo/src/main.ts', args),
    streamctl: (...args: readonly string[]) => run('apps/streamctl/src/main.ts', args),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};

describe('npm start', () => {
  it('shows the flow, answers streamctl, and ends by itself with everything served in Kafka', async () => {
    await using part = await setup();
    const demo = part.demo('--for', '15s');
    await waitUntil('the login to be printed', () => demo.output().includes('login: admin / '), { timeoutMs: 60_000 });
    const { mode } = await stat(join(part.directory, 'api.json'));
    expect(mode & 0o777).toBe(0o600);
    await waitUntil('records to be published', () => /[1-9]\d* published/.test(demo.output()), { timeoutMs: 30_000 });

    const status = part.streamctl('status');
    expect(await status.exited).toBe(0);
    expect(status.output()).toMatch(/firms-california\s+running/);
    expect(status.output()).toContain('stream-manager');

    expect(await demo.exited, demo.output()).toBe(0);
    const text = demo.output();
    for (const topic of [
      'wildfire-nasa-firms',
      'wildfire-weather-data',
      'wildfire-weather-alerts',
      'wildfire-iot-sensors',
    ])
      expect(text).toMatch(new RegExp(`${topic}\\s+[1-9][\\d,]*`));
    const total = /total\s+([\d,]+)\s+([\d,]+)\s+0\s+0\s+0\s+0\s+0/.exec(text);
    expect(total?.[1], text).toBe(total?.[2]);
    expect(total).not.toBeNull();
  });

  it('ends on Ctrl-C with exit code 0, and takes its password with it', async () => {
    await using part = await setup();
    const demo = part.demo();
    await waitUntil('the first line of the view', () => demo.output().includes('00:0'), { timeoutMs: 60_000 });
    demo.kill('SIGINT');
    expect(await demo.exited, demo.output()).toBe(0);
    await expect(stat(join(part.directory, 'api.json'))).rejects.toThrow(/ENOENT/);
    const status = part.streamctl('status');
    expect(await status.exited).toBe(2);
    expect(status.output()).toContain('npm start');
  });

  it.each([
    { name: 'an option it does not know', args: ['--fast'], text: /--fast/ },
    { name: 'a time without a unit', args: ['--for', '60'], text: /such as 60s/ },
    { name: 'a config that is not there', args: ['--config', 'missing.yaml'], text: /missing\.yaml/ },
  ])('refuses $name with exit code 2 and says why', async ({ args, text }) => {
    await using part = await setup();
    const demo = part.demo(...args);
    expect(await demo.exited).toBe(2);
    expect(demo.output()).toMatch(text);
  });
});
