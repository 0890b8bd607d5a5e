// Starts one process of the system: config, log, Redis check, HTTP server, the composition, heartbeat; and stops it in
// data-flow order. Used by run-process.ts (with signals and exit codes), by the demo and by tests (in process).
import type { DestinationStream } from 'pino';
import { Registry } from 'prom-client';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { secretValues } from '../config/redact.ts';
import { noExtensions } from '../extensions/extensions.ts';
import { loadExtensions } from '../extensions/load.ts';
import { messageOf, StreamManagerError } from '../failures/errors.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { registerSources } from '../queues/known-sources.ts';
import { checkRedis, createRedis } from '../queues/redis.ts';
import { createRedisMemory } from '../queues/redis-memory.ts';
import { after } from './after.ts';
import { createFacts } from './facts.ts';
import { createHealth } from './health.ts';
import { createHeartbeat, createInstance, type Heartbeat } from './heartbeat.ts';
import { startHttpServer } from './http-server.ts';
import type { Compose } from './process-context.ts';
import { reachableAddress } from './reachable-address.ts';
import { version } from './version.ts';

/** Which process, and where it takes its settings from. */
export interface ProcessOptions {
  /** `scheduler`, `poller-worker`, `producer-worker` or `stream-manager`. */
  readonly role: Heartbeat['role'];
  readonly compose: Compose;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Path of the config; default by the environment (STREAM_CONFIG, else stream.yaml). */
  readonly configPath?: string;
  /** Whether secrets named in the config must be set in this process (pollers). */
  readonly secrets: 'required' | 'optional';
  /** Port without HTTP_PORT: 8080 for what serves people, 0 (any free) for workers. */
  readonly defaultPort: number;
  /** Take the next free port if the wanted one is in use. */
  readonly nextFreePort?: boolean;
  readonly logDestination?: DestinationStream;
  /** Aborts a start that is under way. */
  readonly signal: AbortSignal;
}

/** A started process. */
export interface RunningProcess {
  readonly url: string;
  readonly loaded: LoadedConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Takes no new polls and lets those that run end; what is queued is still published. Nothing to do for other roles. */
  finishIntake(): Promise<void>;
  /** Stops within `shutdown.graceMs`; true if everything ended by itself in time. Idempotent. */
  stop(): Promise<boolean>;
}

/** An empty variable counts as not set: an empty host would listen everywhere. */
const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const parsePort = (text: string | undefined, fallback: number): number => {
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new StreamManagerError('config_invalid', `HTTP_PORT is "${text}": expected a whole number from 0 to 65535`);
};

/** Starts a process; rejects with one readable error, with nothing left half-started. */
export const startProcess = async (options: ProcessOptions): Promise<RunningProcess> => {
  const port = parsePort(options.env.HTTP_PORT, options.defaultPort);
  const loaded = await loadConfig({
    ...(options.configPath === undefined ? {} : { path: options.configPath }),
    env: options.env,
    cwd: options.cwd,
    secrets: options.secrets,
  });
  // A producer polls nothing, and needs no module on its machine.
  const { config, extensions, warnings } =
    options.role === 'producer-worker'
      ? { config: loaded.config, extensions: noExtensions, warnings: [] }
      : await loadExtensions(loaded, { sources: options.secrets === 'required' });
  const instance = createInstance(options.role, version);
  const logger = createLogger({
    role: options.role,
    instance: instance.id,
    level: options.env.LOG_LEVEL,
    secrets: secretValues({ config, env: options.env, variables: loaded.variables }),
    ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
  });
  for (const warning of [...loaded.warnings, ...warnings]) logger.warn({ file: loaded.file }, warning);

  const undo: { readonly what: string; readonly act: () => Promise<void> }[] = [];
  let stopping: Promise<boolean> | undefined;
  const unwind = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const { what, act } of undo.splice(0).reverse()) {
      try {
        await act();
      } catch (error) {
        logger.warn({ error: messageOf(error) }, `stopping ${what} failed`);
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be stopped');
  };

  try {
    const redis = createRedis(config.redis.url, { name: `${options.role}:${instance.id}`, logger });
    undo.push({ what: 'the Redis connection', act: async () => redis.disconnect() });
    const redisWarnings = await checkRedis(redis, {
      url: config.redis.url,
      allowUnsafe: config.redis.allowUnsafe,
      signal: options.signal,
    });
    for (const warning of redisWarnings) logger.warn(`Redis is not safe for records: ${warning}`);

    const retired = await registerSources({ redis, logger }, config.redis.keyPrefix, config);

    const health = createHealth();
    const facts = createFacts();
    const metrics = createMetrics(new Registry(), { defaults: true });
    const redisMemory = createRedisMemory(
      { redis, health, metrics, logger, now: () => performance.now(), after },
      { highWater: config.redis.highWater },
    );
    undo.push({ what: 'the look at the memory of Redis', act: async () => redisMemory.stop() });
    redis.on('close', () => health.setProblem('redis', 'not connected'));
    redis.on('ready', () => health.setProblem('redis', null));
    const composition = options.compose({
      config,
      retired,
      configVersion: loaded.version,
      env: options.env,
      instance,
      logger,
      metrics,
      health,
      redisMemory,
      facts,
      extensions,
      variables: loaded.variables,
      redis,
    });
    const { routes } = composition;
    const host = nonEmpty(options.env.HTTP_HOST) ?? '127.0.0.1';
    const server = await startHttpServer({
      host,
      port,
      nextFree: options.nextFreePort ?? false,
      health,
      metrics,
      onError: (error) => logger.error({ error: messageOf(error) }, 'a request failed'),
      addRoutes: routes === undefined ? undefined : (app) => app.use(routes),
    });
    undo.push({ what: 'the HTTP server', act: () => server.close() });
    undo.push({ what: options.role, act: () => composition.stop() });
    await composition.start(options.signal);
    const heartbeat = createHeartbeat(
      { redis, facts, logger },
      {
        keyPrefix: config.redis.keyPrefix,
        instance,
        port: server.port,
        address: reachableAddress(host),
        configVersion: loaded.version,
      },
    );
    undo.push({ what: 'the heartbeat', act: () => heartbeat.stop() });
    await heartbeat.start(options.signal);
    health.setPhase('ready');
    logger.info({ url: server.url, configFile: loaded.file, configVersion: loaded.version }, `${options.role} started`);

    const stop = async (): Promise<boolean> => {
      health.setPhase('draining');
      logger.info({ graceMs: config.shutdown.graceMs }, `${options.role} stopping`);
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), config.shutdown.graceMs);
      });
      const outcome = await Promise.race([unwind().then(() => 'done' as const), deadline]).catch(
        () => 'failed' as const,
      );
      clearTimeout(timer);
      if (outcome === 'late') logger.warn('the grace period is over; what is in hand is taken up by another worker');
      else logger.info(`${options.role} stopped`);
      return outcome === 'done';
    };
    return {
      url: server.url,
      loaded,
      logger,
      metrics,
      finishIntake: async () => composition.finishIntake?.(),
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await unwind().catch(() => {
      // Each failure was logged; the reason for the failed start is what the caller needs.
    });
    throw error;
  }
};
