// The composition root of the scheduler: the only place where its real adapters are made.
import { fileURLToPath } from 'node:url';
import { providerHostOf } from '@stream-manager/shared/config/provider-host';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { createKafka } from '@stream-manager/shared/kafka/create-kafka';
import { readFleet } from '@stream-manager/shared/ops/heartbeat';
import { readMetrics } from '@stream-manager/shared/ops/http-server';
import type { Compose, Composition, ProcessContext } from '@stream-manager/shared/ops/process-context';
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import { createBackfills } from '@stream-manager/shared/queues/backfills';
import { deadLetterQueueAddress, pollQueueAddress, recordsQueueAddress } from '@stream-manager/shared/queues/bullmq';
import { createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { createFailedLetters } from '@stream-manager/shared/queues/dead-letters/failed-letters';
import { createLetterStocks } from '@stream-manager/shared/queues/dead-letters/letter-stock';
import { createOpenedQueues, type OpenedQueues } from '@stream-manager/shared/queues/opened-queues';
import { createRedisChunkStore } from '@stream-manager/shared/queues/redis-chunk-store';
import { createRedisProviderBreakers } from '@stream-manager/shared/queues/redis-provider-breakers';
import { createRedisThrottleStore } from '@stream-manager/shared/queues/redis-throttle-store';
import { createSourceStateStore } from '@stream-manager/shared/queues/source-state';
import { createTapListener } from '@stream-manager/shared/queues/tap-listener';
import { createTopicResolver } from '@stream-manager/shared/topics/resolve-topic';
import { topicDefinition } from '@stream-manager/shared/topics/topic-definition';
import type { Queue } from 'bullmq';
import express, { Router } from 'express';
import helmet from 'helmet';
import { createDeadLetters } from './api/dead-letters/dead-letters.ts';
import { setLetterGauges } from './api/dead-letters/letter-gauges.ts';
import { createApi } from './api/routes.ts';
import { createStreams, type StreamQueues } from './api/streams.ts';
import { createTaps } from './api/tap-route.ts';
import { createDashboard, dashboardPath } from './dashboard/bull-board.ts';
import { createLogin } from './dashboard/login.ts';
import { type BreakerState, fleetBreaker } from './fleet-breaker.ts';
import { setFleetGauges } from './fleet-gauges.ts';
import { createTopicProvisioner } from './provision-topics.ts';
import { createScheduleKeeper } from './schedules/keep-schedules.ts';
import { readPollDelays } from './schedules/poll-delays.ts';

const pageDirectory = fileURLToPath(new URL('./dashboard/page', import.meta.url));

interface Queues extends StreamQueues, Pick<OpenedQueues, 'close'> {
  deadLetters(sourceId: string): Queue;
}

const openQueues = (context: ProcessContext): Queues => {
  const { keyPrefix } = context.config.redis;
  const opened = createOpenedQueues(context);
  return {
    poll: opened.at(pollQueueAddress(keyPrefix)),
    records: (id) => opened.at(recordsQueueAddress(keyPrefix, id)),
    deadLetters: (id) => opened.at(deadLetterQueueAddress(keyPrefix, id)),
    close: () => opened.close(),
  };
};

/** Bull Board's page carries its settings in an inline script and uses inline styles. */
const contentSecurity = helmet({
  contentSecurityPolicy: {
    directives: {
      'script-src': ["'self'", "'unsafe-inline'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'upgrade-insecure-requests': null,
    },
  },
  strictTransportSecurity: false,
});

/** Composes the scheduler. Without DASHBOARD_PASSWORD it serves neither dashboard nor API, and says so. */
export const composeScheduler: Compose = (context): Composition => {
  const { config, retired, redis, logger, metrics, health, env } = context;
  const { keyPrefix } = config.redis;
  const queues = openQueues(context);
  const store = createRedisChunkStore({ redis, keyPrefix });
  const states = createSourceStateStore(redis, keyPrefix);
  const throttle = createRedisThrottleStore({ redis, keyPrefix });
  const cursors = createCursorStore(redis, keyPrefix);
  const providers = createRedisProviderBreakers(redis, keyPrefix);
  const kafkaAdmin = createKafka(config.kafka, { logger, role: 'scheduler' }).createAdmin();

  const ids = Object.keys(config.sources);
  const allIds = [...ids, ...retired.keys()];
  const resolver = createTopicResolver(config.routing, { ...Object.fromEntries(retired), ...config.sources });
  const provisioner = createTopicProvisioner({ admin: kafkaAdmin, logger }, async () => {
    const started = (await streams.running()).map(({ id }) => id);
    const enabled = ids.filter((id) => config.sources[id]?.enabled);
    // What is queued is still published, whatever became of its source.
    const counts = await store.counts(allIds);
    const holding = allIds.filter((id) => (counts.get(id)?.total ?? 0) > 0);
    const topics = new Set([...enabled, ...started, ...holding].flatMap((id) => resolver.topicsOf(id)));
    return [...topics].sort().map((topic) => topicDefinition(config.topics, topic));
  });

  const readBreaker = async (): Promise<BreakerState> => fleetBreaker(await readFleet(redis, keyPrefix));
  const streams = createStreams(
    {
      store,
      states,
      readBreaker,
      throttle,
      cursors,
      providers,
      stocks: createLetterStocks(redis, keyPrefix),
      readPollDelays: (sourceIds) => readPollDelays(redis, queues.poll, sourceIds),
      queues,
      onChange: () => {
        keeper.reconcileSoon();
        provisioner.checkSoon();
      },
      now: Date.now,
    },
    config,
    retired,
  );
  const failedLetters = createFailedLetters(redis, keyPrefix);
  const deadLetters = createDeadLetters(
    {
      redis,
      queue: (id) => queues.deadLetters(id),
      letters: failedLetters,
      onDiscarded: (id, letters) => metrics.deadLettersDiscardedTotal.inc({ source: id }, letters),
    },
    { keyPrefix, sources: allIds },
  );
  const backfills = createBackfills({
    store: createBackfillStore(redis, keyPrefix),
    queue: queues.poll,
    now: Date.now,
  });
  const keeper = createScheduleKeeper({ queue: queues.poll, streams, backfills, logger, sourceIds: ids });

  const gaugedSources = ids.map((id) => {
    const source = resolveSource(config, id);
    const { enabled, throttling, staleAfterMs } = source;
    return { id, enabled, throttling, staleAfterMs, host: providerHostOf(source) };
  });
  const { keepDays } = config.delivery.deadLetters;
  metrics.beforeScrape.add(() =>
    setFleetGauges(
      { store, states, throttle, providers, readBreaker, metrics, now: Date.now },
      {
        sources: gaugedSources,
        retiredIds: [...retired.keys()],
        sampleIntervalMs: config.throttling.sampleIntervalMs,
      },
    ),
  );
  metrics.beforeScrape.add(() => setLetterGauges({ letters: failedLetters, metrics }, { sourceIds: allIds, keepDays }));

  const password = env.DASHBOARD_PASSWORD ?? '';
  const user = env.DASHBOARD_USER ?? 'admin';
  const taps = createTaps({ streams, listener: createTapListener({ redis, logger }, { keyPrefix }), user, logger });
  const routes = Router();
  let dashboard: Router | null = null;
  /** Every queue of the config, and those of retired sources that hold something now. */
  const openDashboard = async (): Promise<Router> => {
    const listed = new Set(retired.size === 0 ? [] : (await streams.list()).map(({ id }) => id));
    const shown = [...ids, ...[...retired.keys()].filter((id) => listed.has(id))];
    const all = [queues.poll, ...shown.map((id) => queues.records(id)), ...shown.map((id) => queues.deadLetters(id))];
    return createDashboard(
      all.map((queue) => ({ queue, description: describeQueue(queue.name) })),
      logger,
    );
  };
  if (password === '') {
    const notice = 'DASHBOARD_PASSWORD is not set: neither dashboard nor API is served; set it to have them';
    logger.warn(notice);
    routes.use((_request, response) => {
      response.status(404).type('text/plain').send(`${notice}\n`);
    });
  } else {
    routes.use(contentSecurity);
    routes.use('/assets', express.static(pageDirectory, { index: false }));
    routes.use(createLogin({ user, password }));
    routes.get('/', (_request, response) => {
      response.sendFile('overview.html', { root: pageDirectory });
    });
    routes.use(dashboardPath, (request, response, next) => {
      if (dashboard === null) response.status(503).type('text/plain').send('starting\n');
      else dashboard(request, response, next);
    });
    routes.use(
      '/api',
      createApi({
        streams,
        deadLetters,
        cursors,
        backfills,
        taps: taps.router,
        fleetMetrics: {
          readFleet: () => readFleet(redis, keyPrefix),
          own: context.instance,
          readOwn: () => readMetrics(metrics),
        },
        user,
        configVersion: context.configVersion,
        health,
        readFleet: () => readFleet(redis, keyPrefix),
        topics: () => provisioner.report(),
        logger,
        now: Date.now,
      }),
    );
  }

  return {
    routes,
    start: async (signal) => {
      if (password !== '') dashboard = await openDashboard();
      await keeper.start(signal);
      await provisioner.start(signal);
    },
    stop: async () => {
      taps.end();
      await keeper.stop();
      // Closing ends a round that waits for a Kafka that is away.
      const closed = kafkaAdmin.close().catch((error: unknown) => {
        logger.debug({ error: messageOf(error) }, 'Kafka admin client did not close cleanly');
      });
      await Promise.all([provisioner.stop(), closed]);
      await queues.close();
    },
  };
};

const describeQueue = (name: string): string => {
  if (name.startsWith('records.')) return 'Chunks of records on their way to Kafka.';
  if (name.startsWith('dead-letter.')) return 'Records that could not be published. Retry replays them.';
  return 'Ticks and polls of every source.';
};
