// The HTTP API, behind the login. Thin: it turns requests into acts and answers into JSON.

import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Heartbeat } from '@stream-manager/shared/ops/heartbeat';
import { statusOf } from '@stream-manager/shared/ops/http-server';
import type { Backfills } from '@stream-manager/shared/queues/backfills';
import type { CursorStore } from '@stream-manager/shared/queues/cursor-store';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { type FleetMetricsDeps } from '../fleet-metrics/read-fleet-metrics.ts';
import { createFleetMetricsRoute } from '../fleet-metrics/route.ts';
import type { TopicReport } from '../provision-topics.ts';
import { createBackfillRoutes } from './backfill-routes.ts';
import { createCursorRoutes } from './cursor-routes.ts';
import type { DeadLetters } from './dead-letters/dead-letters.ts';
import { createLetterRoutes } from './dead-letters/routes.ts';
import { inTime } from './in-time.ts';
import { type Streams, streamActs } from './streams.ts';

/** What the API answers from. */
export interface ApiDeps {
  readonly streams: Streams;
  readonly deadLetters: DeadLetters;
  readonly cursors: CursorStore;
  readonly backfills: Pick<Backfills, 'request' | 'list' | 'cancel'>;
  /** The taps that are open here. */
  readonly taps: Router;
  readonly fleetMetrics: FleetMetricsDeps;
  /** Who is logged in: the API has one user. */
  readonly user: string;
  readonly configVersion: string;
  readonly health: Health;
  readonly readFleet: () => Promise<readonly Heartbeat[]>;
  readonly topics: () => TopicReport;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Creates the router, to be mounted at `/api`. */
export const createApi = (deps: ApiDeps): Router => {
  const router = Router();

  router.get('/streams', async (_request, response) => {
    response.json({ configVersion: deps.configVersion, streams: await inTime(deps.streams.list()) });
  });

  router.use('/streams', createCursorRoutes(deps), createBackfillRoutes(deps), deps.taps);

  router.post('/streams/:id/:act', async (request, response) => {
    const { id } = request.params;
    const act = streamActs.find((known) => known === request.params.act);
    if (act === undefined) {
      response.status(404).json({ error: `unknown act "${request.params.act}"; known are ${streamActs.join(', ')}` });
      return;
    }
    const answer = await inTime(deps.streams.act(id, act));
    switch (answer.kind) {
      case 'unknown_stream':
        response.status(404).json({ error: `there is no stream "${id}"` });
        break;
      case 'gone':
        response.status(404).json({
          error: `stream "${id}" is gone from the config: what it holds is still published, but nothing polls it`,
        });
        break;
      case 'paused':
        response.status(409).json({ error: `stream "${id}" is paused: resume it first` });
        break;
      case 'done':
        deps.logger.info({ sourceId: id, act, state: answer.state }, 'stream act');
        response.json({
          id: answer.id,
          state: answer.state,
          ...(answer.poll === undefined ? {} : { poll: answer.poll }),
          ...(answer.deferred === undefined ? {} : { deferred: answer.deferred }),
        });
        break;
    }
  });

  router.use('/dead-letters', createLetterRoutes(deps));
  router.use('/metrics', createFleetMetricsRoute(deps.fleetMetrics));

  router.get('/health', async (_request, response) => {
    const report = deps.health.report();
    response.json({
      ...report,
      fleet: await inTime(deps.readFleet()),
      topics: deps.topics(),
    });
  });

  router.use((_request, response) => {
    response.status(404).json({ error: 'no such address' });
  });
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOf(error);
    if (status < 500) {
      response.status(status).json({ error: messageOf(error) });
      return;
    }
    deps.logger.warn({ error: messageOf(error) }, 'API request failed');
    response.status(503).json({ error: messageOf(error) });
  });
  return router;
};
