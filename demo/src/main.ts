// `npm start`: real local Redis and Kafka, simulated providers (or your own config and the real APIs), the whole system
// in one process, a demo consumer, and a live view. Ends with Ctrl-C or --for, after what is queued has reached Kafka.
import { randomBytes, randomInt } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@stream-manager/shared/config/load';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { type ApiClient, createApiClient } from '@stream-manager/shared/ops/api-client';
import {
  dataDirectory,
  projectRoot,
  removeApiAccess,
  removeRunningConfig,
  writeApiAccess,
  writeRunningConfig,
} from '@stream-manager/shared/ops/data-directory';
import { describeFatal, onStopSignals } from '@stream-manager/shared/ops/run-process';
import { startProcess } from '@stream-manager/shared/ops/start-process';
import { composeStreamManager } from '@stream-manager/stream-manager/compose';
import { endOffsets } from '@stream-manager/testkit/accounting/read-topics';
import { type Providers, startProviders } from '@stream-manager/testkit/providers/server';
import { startStack } from '@stream-manager/testkit/stack/stack';
import { StackError } from '@stream-manager/testkit/stack/stack-error';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { type DemoConsumer, startDemoConsumer } from './demo-consumer.ts';
import { createLiveView } from './live-view.ts';
import { openBrowser } from './open-browser.ts';
import { type DemoOptions, parseOptions, usage } from './options.ts';
import { demoTopics, summarise } from './summary.ts';

const viewIntervalMs = 1_000;
/** How long polls that run may take to end. */
const intakeMs = 15_000;
/** How long what is queued may take to reach Kafka at the end. */
const drainMs = 30_000;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Everything that was started, stopped in reverse order. */
const cleanups: { readonly what: string; readonly act: () => Promise<unknown> }[] = [];
const cleanUp = async (): Promise<void> => {
  for (const { what, act } of cleanups.splice(0).reverse()) {
    try {
      await act();
    } catch (error) {
      say(`stopping ${what} failed: ${String(error)}`);
    }
  }
};

/** A counter of this process, summed by its label `source`. */
const bySource = async (counter: {
  get(): Promise<{
    readonly values: readonly { readonly value: number; readonly labels: { readonly source?: string | number } }[];
  }>;
}): Promise<ReadonlyMap<string, number>> => {
  const sums = new Map<string, number>();
  for (const { value, labels } of (await counter.get()).values) {
    const source = String(labels.source);
    sums.set(source, (sums.get(source) ?? 0) + value);
  }
  return sums;
};

const queuedRecords = async (api: ApiClient): Promise<number> => {
  const { streams } = await api.streams();
  return streams
    .filter(({ state }) => state !== 'paused')
    .reduce((sum, { queued }) => sum + queued.critical + queued.high + queued.normal + queued.low, 0);
};

const startDemoProviders = async (options: DemoOptions): Promise<Providers> => {
  const seed = options.seed ?? randomInt(1, 1_000_000);
  // A few broken rows, as every real API has them: each ends as a dead letter and costs no other row.
  const providers = await startProviders({ seed, faults: { firms: { malformedShare: 0.01 } } });
  cleanups.push({ what: 'the simulated providers', act: () => providers.stop() });
  say(`providers: simulated NASA FIRMS, NOAA and PurpleAir on ${providers.url} (--seed ${seed} repeats them)`);
  return providers;
};

/** A config that cannot be used is told before anything is started; where Redis and Kafka are is known only then. */
const checkConfig = async (path: string): Promise<void> => {
  const later = { REDIS_URL: 'redis://127.0.0.1', KAFKA_BROKERS: '127.0.0.1:9092' };
  await loadConfig({ path, env: { ...process.env, ...later }, cwd: process.cwd(), secrets: 'required' });
};

const run = async (options: DemoOptions, stopped: AbortSignal): Promise<number> => {
  if (options.configPath !== null) await checkConfig(options.configPath);
  const directory = dataDirectory(process.env);
  // A stop ends a start that is under way; afterwards Redis and Kafka are needed until everything has drained.
  const starting = new AbortController();
  const endStart = (): void => starting.abort(stopped.reason);
  stopped.addEventListener('abort', endStart);
  const stack = await startStack({
    dataDir: join(directory, 'stack'),
    fresh: options.fresh,
    say,
    signal: starting.signal,
    env: process.env,
  });
  stopped.removeEventListener('abort', endStart);
  cleanups.push({ what: 'Redis and Kafka', act: () => stack.stop() });

  const providers = options.configPath === null ? await startDemoProviders(options) : null;
  const isOwnPassword = (process.env.DASHBOARD_PASSWORD ?? '') !== '';
  const user = process.env.DASHBOARD_USER ?? 'admin';
  const password = isOwnPassword ? (process.env.DASHBOARD_PASSWORD ?? '') : randomBytes(12).toString('base64url');
  const variables: Readonly<Record<string, string>> =
    providers === null
      ? {}
      : {
          DEMO_PROVIDERS_URL: providers.url,
          FIRMS_MAP_KEY: providers.mapKey,
          PURPLEAIR_API_KEY: providers.apiKey,
        };
  const configPath = resolve(options.configPath ?? join(projectRoot, 'config', 'demo.yaml'));
  const env = {
    ...process.env,
    REDIS_URL: stack.redisUrl,
    KAFKA_BROKERS: stack.kafkaBrokers.join(','),
    DASHBOARD_USER: user,
    DASHBOARD_PASSWORD: password,
    ...variables,
  };
  await mkdir(join(directory, 'logs'), { recursive: true });
  const logFile = join(directory, 'logs', 'stream-manager.log');
  const startOffsets =
    providers === null ? null : await endOffsets({ brokers: stack.kafkaBrokers, topics: Object.values(demoTopics) });
  const running = await startProcess({
    role: 'stream-manager',
    compose: composeStreamManager,
    env,
    cwd: process.cwd(),
    configPath,
    secrets: 'required',
    defaultPort: 8080,
    nextFreePort: true,
    logDestination: createWriteStream(logFile, { flags: 'a' }),
    signal: stopped,
  });
  cleanups.push({ what: 'StreamManager', act: () => running.stop() });
  const access = { url: running.url, user, password };
  await writeApiAccess(directory, access);
  cleanups.push({ what: 'the API access file', act: () => removeApiAccess(directory) });
  await writeRunningConfig(directory, { path: configPath, variables });
  cleanups.push({ what: 'the file that names the running config', act: () => removeRunningConfig(directory) });

  let consumer: DemoConsumer | null = null;
  if (providers !== null) {
    await waitUntil(
      'the topics of the demo',
      async () => {
        const ends = await endOffsets({ brokers: stack.kafkaBrokers, topics: Object.values(demoTopics) });
        return new Set(ends.map(({ topic }) => topic)).size === Object.keys(demoTopics).length;
      },
      { timeoutMs: 30_000, signal: stopped },
    );
    consumer = await startDemoConsumer(stack.kafkaBrokers, Object.values(demoTopics));
    cleanups.push({ what: 'the demo consumer', act: async () => consumer?.stop() });
  }

  const dashboardUrl = `${running.url}/admin/queues`;
  say(`dashboard: ${dashboardUrl}   overview: ${running.url}/`);
  say(
    isOwnPassword ? `login: ${user} and your DASHBOARD_PASSWORD` : `login: ${user} / ${password}   (made for this run)`,
  );
  say(`log: ${logFile}\n`);
  if (options.open && process.stdout.isTTY) openBrowser(running.url);

  const api = createApiClient(access);
  const view = createLiveView(process.stdout);
  const startedAt = performance.now();
  const show = async (): Promise<void> => {
    const elapsedMs = performance.now() - startedAt;
    const [{ streams }, health, polls, accepted] = await Promise.all([
      api.streams(),
      api.health(),
      bySource(running.metrics.pollsTotal),
      bySource(running.metrics.recordsAcceptedTotal),
    ]);
    view.show({
      streams,
      polls,
      accepted,
      consumed: consumer?.consumed() ?? null,
      elapsedMs,
      endsInMs: options.forMs === null ? null : options.forMs - elapsedMs,
      dashboardUrl,
      apiUrl: `${running.url}/api/streams`,
      problems: Object.entries(health.problems).map(([component, problem]) => `${component}: ${problem}`),
    });
  };
  while (!stopped.aborted && (options.forMs === null || performance.now() - startedAt < options.forMs)) {
    // A picture that cannot be taken is not the end of the run; the next one may.
    await show().catch((error: unknown) =>
      running.logger.warn({ error: String(error) }, 'the live view has no answer'),
    );
    await sleep(viewIntervalMs, undefined, { signal: stopped }).catch(() => {
      // Woken by the stop: the loop's condition ends it.
    });
  }
  view.end();

  say('\nending: no new polls, publishing what is queued …');
  await Promise.race([running.finishIntake(), sleep(intakeMs, undefined, { ref: false })]);
  await waitUntil('empty queues', async () => (await queuedRecords(api)) === 0, {
    timeoutMs: drainMs,
    intervalMs: 200,
  }).catch((error: unknown) => say(`${String(error)}: the rest stays in Redis and is published by the next run`));
  if (providers === null || startOffsets === null) {
    const { streams } = await api.streams();
    for (const stream of streams)
      say(`${stream.id}: ${stream.published} published in all runs, ${stream.deadLetters} dead letters`);
    return 0;
  }
  const { text, comparison } = await summarise(stack.kafkaBrokers, providers, startOffsets);
  say(text);
  return comparison.isExact ? 0 : 1;
};

const readOptions = (): DemoOptions | 'help' | null => {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`npm start: ${messageOf(error)}\n\n${usage}`);
    return null;
  }
};

const main = async (): Promise<number> => {
  const options = readOptions();
  if (options === null) return 2;
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const stop = new AbortController();
  onStopSignals(
    () => {
      stop.abort();
    },
    () => process.exit(1),
  );
  try {
    return await run(options, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return 0;
    const { text, exitCode } =
      error instanceof StackError ? { text: error.message, exitCode: 2 } : describeFatal(error);
    process.stderr.write(`npm start: ${text}\n`);
    return exitCode;
  } finally {
    await cleanUp();
  }
};

process.exit(await main());
