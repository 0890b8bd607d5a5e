// The system under measurement: one poller worker and one producer worker as the processes that users run, with a
// config of the benchmark's own.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@stream-manager/shared/ops/data-directory';
import { waitUntil } from '@stream-manager/testkit/wait-until';

/** Where the workers find everything. */
export interface SystemOptions {
  readonly redisUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly providerUrl: string;
  readonly keyPrefix: string;
  readonly sources: readonly { readonly id: string; readonly topic: string; readonly mapKey: string }[];
  readonly compression: string;
  readonly maxRecords: number;
}

/** The running workers. */
export interface BenchSystem {
  /** CPU seconds used so far, by role. */
  cpuSeconds(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

/** How long an answer is given again, in milliseconds. */
export const answersKeptMs = 1_000;

const roles = ['poller-worker', 'producer-worker'] as const;

const configOf = (options: SystemOptions): unknown => ({
  redis: { keyPrefix: options.keyPrefix },
  kafka: { compression: options.compression },
  queue: { maxRecords: options.maxRecords },
  sources: Object.fromEntries(
    options.sources.map(({ id, topic, mapKey }) => [
      id,
      {
        type: 'nasa-firms',
        every: '1h',
        topic,
        rateLimitPerMinute: 600,
        // On, as it is for users, and over before the next round asks for other rows.
        cacheTtlSeconds: answersKeptMs / 1_000,
        baseUrl: options.providerUrl,
        params: { mapKey, dataset: 'VIIRS_SNPP_NRT', bbox: [-124.48, 32.53, -114.13, 42.01], dayRange: 1 },
      },
    ]),
  ),
});

/** Starts the workers and waits until they are ready. */
export const startSystem = async (options: SystemOptions): Promise<BenchSystem> => {
  const directory = await mkdtemp(join(tmpdir(), 'stream-manager-bench-'));
  const configFile = join(directory, 'stream.json');
  await writeFile(configFile, JSON.stringify(configOf(options)));
  const children: { readonly role: string; readonly child: ChildProcess; readonly logFile: string }[] = [];
  for (const role of roles) {
    const logFile = join(directory, `${role}.log`);
    const log = openSync(logFile, 'a');
    const profile =
      process.env.BENCH_CPU_PROF === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_CPU_PROF}`];
    const child = spawn(process.execPath, [...profile, join(projectRoot, 'apps', role, 'src', 'main.ts')], {
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env.PATH,
        STREAM_CONFIG: configFile,
        REDIS_URL: options.redisUrl,
        KAFKA_BROKERS: options.kafkaBrokers.join(','),
        HTTP_PORT: '0',
      },
    });
    closeSync(log);
    children.push({ role, child, logFile });
  }
  const urls = new Map<string, string>();
  for (const { role, child, logFile } of children) {
    const url = await waitUntil(
      `${role} to start`,
      async () => {
        const text = await readFile(logFile, 'utf8');
        if (child.exitCode !== null) throw new Error(`${role} ended:\n${text}`);
        const line = text.split('\n').find((entry) => entry.includes(`"msg":"${role} started"`));
        return line === undefined ? null : (JSON.parse(line) as { url: string }).url;
      },
      { timeoutMs: 40_000 },
    );
    urls.set(role, url);
  }
  return {
    cpuSeconds: async () => {
      const seconds = new Map<string, number>();
      for (const [role, url] of urls) {
        const text = await (await fetch(`${url}/metrics`)).text();
        seconds.set(role, Number(/^process_cpu_seconds_total ([\d.e+-]+)/m.exec(text)?.[1] ?? 0));
      }
      return seconds;
    },
    stop: async () => {
      await Promise.all(
        children.map(
          ({ child }) =>
            new Promise<void>((resolve) => {
              child.once('exit', () => resolve());
              child.kill('SIGTERM');
            }),
        ),
      );
      await rm(directory, { recursive: true, force: true });
    },
  };
};
