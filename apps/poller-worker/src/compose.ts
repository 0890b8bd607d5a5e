// The composition root of the poller: the only place where its real adapters are made.

import { secretValues } from '@stream-manager/shared/config/redact';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { after } from '@stream-manager/shared/ops/after';
import { createJobWatch } from '@stream-manager/shared/ops/job-watch';
import type { Compose, Composition, ProcessContext } from '@stream-manager/shared/ops/process-context';
import { version } from '@stream-manager/shared/ops/version';
import { openQueue, pollQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { createLetterStocks, createLettersFull } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { addPoll } from '@stream-manager/shared/queues/poll-queue';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { chunkJobOptions, retiredChunkLimits } from '@stream-manager/shared/queues/source-limits';
import { createSourceStateStore } from '@stream-manager/shared/queues/source-state';
import { createTap } from '@stream-manager/shared/queues/tap';
import { decisionHoldsMs } from '@stream-manager/shared/throttle/decision';
import { createRoom } from './admission/room.ts';
import { composeBackfills } from './backfill/compose-backfills.ts';
import { createAskProvider } from './breaker/ask-provider.ts';
import { createHoldBack } from './hold-back.ts';
import { composeMemory } from './http/compose-memory.ts';
import { createHostShares } from './http/host-share.ts';
import { createJsonParser } from './http/parse-large-json.ts';
import { createRateLimit } from './http/rate-limit.ts';
import { createRedactor } from './http/secrets.ts';
import { checkTls, createTlsSettings } from './http/tls-settings.ts';
import { createHttpClient } from './http/undici-client.ts';
import { composeUserAgent } from './http/user-agent.ts';
import { composeIntakes } from './intake/compose-intakes.ts';
import type { OpenLink } from './intake/mqtt/link.ts';
import { createModes } from './modes/modes.ts';
import { createPollStage } from './poll.ts';
import { createPolledSources, type PolledSource } from './polled-sources.ts';
import { createPollJobProcessor } from './queues/poll-jobs.ts';
import { createPollWorker } from './queues/poll-worker.ts';
import { createRunningClaims } from './queues/running-claim.ts';
import { createSourceQueues } from './queues/source-queues.ts';
import { createReparseStage } from './reparse.ts';
import { halfOfSlots } from './slots.ts';
import { createSourceRegistry, type SourceRegistry } from './sources/registry.ts';
import { limitFor } from './sources/shared-limit.ts';
import { createTickStage } from './tick.ts';

/** A job that only asks Redis may show no progress for this long, in milliseconds. */
const jobHangLimitMs = 60_000;

/** A poll may be silent for as long as its exchanges and its wait for room may last, and a minute. */
const pollHangLimitMs = (source: PolledSource | undefined): number =>
  jobHangLimitMs + (source === undefined ? 0 : 2 * source.config.timeoutMs + source.admission.admitWaitMs);

/** Composes the poller with the connectors of this build. Throws `source_unsupported` for an enabled source without one. */
export const composePollerWorker: Compose = (context) => composePoller(context, createSourceRegistry(context));

/**
 * Composes the poller with any connectors. `hangLimitMs`: how long a poll may show no progress. Nothing runs before `start`; `stop` hands
 * the running polls back.
 */
export const composePoller = (
  context: ProcessContext,
  registry: SourceRegistry,
  options: {
    readonly hangLimitMs?: (source: PolledSource | undefined) => number;
    /** How MQTT connections are opened; default: with mqtt.js. */
    readonly openLink?: OpenLink;
  } = {},
): Composition => {
  const { hangLimitMs = pollHangLimitMs } = options;
  const { config, redis, redisMemory, logger, metrics, health } = context;
  const { keyPrefix } = config.redis;
  const now = Date.now;
  const monotonicNow = (): number => performance.now();
  const secrets = secretValues(context);
  const cutSecrets = createRedactor(secrets);
  const stop = new AbortController();

  const sources = createPolledSources(config, registry, createModes(context.extensions));
  const store = createRedisChunkStore({ redis, keyPrefix });
  const states = createSourceStateStore(redis, keyPrefix);
  const throttle = createRedisThrottleStore({ redis, keyPrefix });
  const queues = createSourceQueues(
    { redis, logger, metrics },
    { keyPrefix, chunkJob: chunkJobOptions(config.delivery), deadLetters: config.delivery.deadLetters },
  );
  const pollQueue = openQueue(pollQueueAddress(keyPrefix), redis, (error) => {
    logger.debug({ error: error.message }, 'queue connection error');
  });

  const all = Object.keys(config.sources).map((id) => resolveSource(config, id));
  const limits = new Map(all.map((source) => [source.id, limitFor(source, all)]));
  const rateLimit = createRateLimit({ redis, keyPrefix });
  const tls = createTlsSettings();
  checkTls(tls, all);
  const jsonParser = createJsonParser();
  const sending = createHttpClient({
    rateLimit,
    hostShares: createHostShares({ after }, { concurrency: config.polling.concurrency }),
    maxResponseBytes: config.polling.maxResponseBytes,
    userAgent: composeUserAgent(version, context.env['STREAM_CONTACT']),
    env: context.env,
    secrets,
    tls,
    jsonParser,
    limitOf: (source) => limits.get(source.id) ?? source.rateLimitPerMinute,
    logger,
    onExchange: ({ sourceId, durationMs }) => metrics.fetchSeconds.observe({ source: sourceId }, durationMs / 1000),
  });
  const http = composeMemory(sending, context, { all, jsonParser, secrets });

  /** What polls and backfills share. */
  const polling = {
    sources,
    http,
    states,
    claims: createRunningClaims({ redis, logger }, { keyPrefix }),
    admission: {
      store,
      queues,
      room: createRoom(
        { store, memory: redisMemory, now: monotonicNow },
        { maxWaiting: halfOfSlots(config.polling.concurrency) },
      ),
      memory: redisMemory,
      tap: createTap({ redis, logger, now: monotonicNow }, { keyPrefix }),
      metrics,
      logger,
      cutSecrets,
      now,
      monotonicNow,
    },
    holdBack: createHoldBack(
      {
        memory: redisMemory,
        lettersFull: createLettersFull(createLetterStocks(redis, keyPrefix), config.delivery.deadLetters),
        throttle,
      },
      { decisionHoldsMs: decisionHoldsMs(config.throttling.sampleIntervalMs) },
    ),
    askProvider: createAskProvider({
      breakers: createRedisProviderBreakers(redis, keyPrefix),
      logger,
      cutSecrets,
      random: Math.random,
    }),
    metrics,
    logger,
    cutSecrets,
    now,
    random: Math.random,
  };
  const poll = createPollStage({ ...polling, cursors: createCursorStore(redis, keyPrefix) });
  const watch = createJobWatch(
    { health, logger, now: monotonicNow, after },
    { limitMs: jobHangLimitMs, component: 'hung-polls' },
  );
  const hangLimitOf = (sourceId: string): number => hangLimitMs(sources.get(sourceId));
  const backfills = composeBackfills(
    {
      ...polling,
      redis,
      rateLimit,
      limitOf: (sourceId) => limits.get(sourceId) ?? 1,
      watch,
      hangLimitMs: hangLimitOf,
      stop: stop.signal,
    },
    { keyPrefix },
  );
  const intakes = composeIntakes(
    { context, sources, store, states, admission: polling.admission, tls },
    options.openLink,
  );
  const tick = createTickStage({
    sources,
    states,
    addPoll: (newPoll) => addPoll(pollQueue, newPoll),
    metrics,
    logger,
    cutSecrets,
    now,
  });
  const reparse = createReparseStage({
    sources,
    limitsOf: (sourceId) => sources.get(sourceId)?.admission.limits ?? retiredChunkLimits(config.queue),
    store,
    queues,
    memory: redisMemory,
    metrics,
    logger,
    cutSecrets,
    now,
  });
  const worker = createPollWorker(
    {
      redis,
      logger,
      process: createPollJobProcessor({
        tick,
        poll,
        reparse,
        backfill: backfills.process,
        watch,
        hangLimitMs: hangLimitOf,
        stop: stop.signal,
        readData: async (jobId): Promise<unknown> => {
          const job: { readonly data: unknown } | undefined = await pollQueue.getJob(jobId);
          return job?.data;
        },
        logger,
        cutSecrets,
        now,
      }),
      endPolls: () => stop.abort(),
      monotonicNow,
      after,
    },
    { keyPrefix, concurrency: config.polling.concurrency, name: context.instance.id },
  );

  return {
    routes: intakes.routes,
    start: async (signal) => {
      await backfills.announce();
      await worker.start(signal);
      await intakes.start(signal);
    },
    finishIntake: async () => {
      await Promise.all([worker.finish(), intakes.finish()]);
    },
    stop: async () => {
      await Promise.all([worker.stop(), intakes.stop()]);
      await Promise.all([queues.close(), pollQueue.close(), http.close(), jsonParser.close()]);
    },
  };
};
