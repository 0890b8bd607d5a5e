// The addresses of the dead letters. Thin: requests become queries, answers JSON.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import { statusOf } from '@stream-manager/shared/ops/http-server';
import { json, type NextFunction, type Request, type Response, Router } from 'express';
import { letterActs } from './act-on-letters.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type BadQuery, isBadQuery, readActQuery, readListQuery } from './letter-query.ts';

/** What the addresses answer from. `now` in milliseconds since the epoch. */
export interface LetterRoutesDeps {
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly now: () => number;
}

const refuse = (response: Response, { error }: BadQuery): void => {
  response.status(400).json({ error });
};

/** A thousand ids of the longest kind fit in. */
const maxBody = '512kb';

/** Creates the router, to be mounted at `/api/dead-letters`. */
export const createLetterRoutes = ({ deadLetters, logger, now }: LetterRoutesDeps): Router => {
  const router = Router();
  const known = () => ({ now: now(), sources: deadLetters.sources });

  router.get('/', async (request, response) => {
    const query = readListQuery(request.query, known());
    if (isBadQuery(query)) refuse(response, query);
    else response.json(await deadLetters.list(query));
  });

  router.get('/:source/:id', async (request, response) => {
    const { source, id } = request.params;
    const letter = await deadLetters.show(source, id);
    if (letter === null)
      response.status(404).json({ error: `there is no dead letter "${id}" of a source "${source}"` });
    else response.json(letter);
  });

  for (const act of letterActs)
    router.post(`/${act}`, json({ limit: maxBody }), async (request, response) => {
      const query = readActQuery(request.body, known());
      if (isBadQuery(query)) {
        refuse(response, query);
        return;
      }
      const { matched, done, failed, waiting, next, until } = await deadLetters.act(act, query);
      // A thousand ids would be a line of 30 kB.
      const { ids, ...filter } = query.filter;
      const meant = { ...filter, ...(ids === undefined ? {} : { ids: ids.length }) };
      if (!query.dryRun)
        logger.info({ act, filter: meant, matched, done, failed: failed.length }, 'act on dead letters');
      response.json({ matched, [act === 'replay' ? 'replayed' : 'discarded']: done, failed, waiting, next, until });
    });

  router.use((error: unknown, _request: Request, response: Response, pass: NextFunction) => {
    const status = statusOf(error);
    if (status >= 500) pass(error);
    else response.status(status).json({ error: `body: ${messageOf(error)}` });
  });

  return router;
};
