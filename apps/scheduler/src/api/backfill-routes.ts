// The addresses of backfills: the past of a source, asked for, looked at and taken back.
import type { Logger } from '@stream-manager/shared/observability/logger';
import { type Backfills, timeFault } from '@stream-manager/shared/queues/backfills';
import { json, Router } from 'express';
import { inTime } from './in-time.ts';
import { FieldError, readBody, readTime } from './read-fields.ts';
import { Refusal } from './refusal.ts';
import type { PolledStreams } from './streams.ts';

/** What the addresses answer from. */
export interface BackfillRoutesDeps {
  readonly streams: PolledStreams;
  readonly backfills: Pick<Backfills, 'request' | 'list' | 'cancel'>;
  /** Who is logged in. */
  readonly user: string;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Creates the router, to be mounted at `/streams`. */
export const createBackfillRoutes = ({ streams, backfills, user, logger, now }: BackfillRoutesDeps): Router => {
  const router = Router();

  router.post('/:id/backfill', json({ limit: '4kb' }), async (request, response) => {
    const { id } = request.params;
    streams.requirePolled(id);
    const { from, to } = readBody(request.body, ['from', 'to']);
    const fromMs = readTime('from', from);
    const toMs = readTime('to', to);
    const fault = timeFault(fromMs, toMs, now());
    if (fault !== null) throw new FieldError(fault);
    const answer = await inTime(backfills.request({ sourceId: id, fromMs, toMs, requestedBy: user }));
    if (answer.kind === 'refused') throw new Refusal(409, answer.reason);
    const { kind, backfillId } = answer;
    logger.info({ sourceId: id, user, backfillId, from, to, kind }, 'backfill asked for');
    response.status(202).json({ id, backfillId, backfill: kind });
  });

  router.get('/:id/backfills', async (request, response) => {
    const { id } = request.params;
    const found = await inTime(backfills.list(id));
    // Those of a source that is gone from the config can still be seen, and taken back.
    if (found.length === 0) streams.require(id);
    response.json({ id, backfills: found });
  });

  router.delete('/:id/backfills/:backfillId', async (request, response) => {
    const { id, backfillId } = request.params;
    const answer = await inTime(backfills.cancel(id, backfillId));
    if (answer === 'unknown') throw new Refusal(404, `stream "${id}" has no backfill "${backfillId}"`);
    if (answer === 'over') throw new Refusal(409, `backfill "${backfillId}" of "${id}" is over`);
    logger.info({ sourceId: id, user, backfillId }, 'backfill cancelled');
    response.json({ id, backfillId, state: answer });
  });

  return router;
};
