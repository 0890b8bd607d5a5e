// The address of a source's cursor: from where its next poll goes on. It may be set and taken away at any time; a pass that
// runs does not overwrite it. Every change is logged with who made it, the value before and the value after: a cursor is
// never a secret.
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { CursorChange, CursorStore, StoredCursor } from '@stream-manager/shared/queues/cursor-store';
import { json, Router } from 'express';
import { inTime } from './in-time.ts';
import { isoOrNull } from './iso-time.ts';
import { FieldError, readBody, readTime, readVersion, requireShallow, shown } from './read-fields.ts';
import { Refusal } from './refusal.ts';
import type { PolledStreams } from './streams.ts';

/** What the address answers from. */
export interface CursorRoutesDeps {
  readonly streams: PolledStreams;
  readonly cursors: CursorStore;
  /** Who is logged in. */
  readonly user: string;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A cursor of the largest kind fits in. */
const maxBody = '256kb';
/** Of a value in the log, in characters. */
const loggedCharacters = 500;

const viewCursor = (id: string, { value, untilMs, at, by, version }: StoredCursor) => ({
  id,
  value,
  until: isoOrNull(untilMs),
  at,
  by,
  version,
});

const logged = ({ value, untilMs, version }: StoredCursor) => ({
  value: JSON.stringify(value).slice(0, loggedCharacters),
  until: isoOrNull(untilMs),
  version,
});

/** Reads what a cursor is set to. Throws `FieldError`. Pure. */
export const readCursorChange = (
  body: unknown,
  now: number,
): { readonly change: CursorChange; readonly version: number | undefined } => {
  const { value, until, version } = readBody(body, ['value', 'until', 'version']);
  if ((value === undefined) === (until === undefined))
    throw new FieldError('expected one of value (as the source keeps it) and until (a time), and not both');
  if (value === null) throw new FieldError('value: expected a value; DELETE takes the cursor away');
  if (until === undefined) {
    requireShallow('value', value);
    return { change: { value }, version: readVersion(version) };
  }
  const untilMs = readTime('until', until);
  if (untilMs > now)
    throw new FieldError(`until: ${shown(until)} lies in the future, and what comes before it would be lost`);
  return { change: { untilMs }, version: readVersion(version) };
};

/** Creates the router, to be mounted at `/streams`. */
export const createCursorRoutes = ({ streams, cursors, user, logger, now }: CursorRoutesDeps): Router => {
  const router = Router();

  router.get('/:id/cursor', async (request, response) => {
    const { id } = request.params;
    streams.requirePolled(id);
    response.json(viewCursor(id, await inTime(cursors.read(id))));
  });

  router.put('/:id/cursor', json({ limit: maxBody }), async (request, response) => {
    const { id } = request.params;
    streams.requirePolled(id);
    const { change, version } = readCursorChange(request.body, now());
    const before = await inTime(cursors.read(id));
    const after = written(id, await inTime(cursors.set(id, change, user, version).catch(refuseTooLarge)));
    logger.info({ sourceId: id, user, before: logged(before), after: logged(after) }, 'cursor set');
    response.json(viewCursor(id, after));
  });

  router.delete('/:id/cursor', async (request, response) => {
    const { id } = request.params;
    streams.requirePolled(id);
    const version = readVersion(request.query['version']);
    const before = await inTime(cursors.read(id));
    const after = written(id, await inTime(cursors.reset(id, user, version)));
    logger.info({ sourceId: id, user, before: logged(before), after: logged(after) }, 'cursor reset');
    response.json(viewCursor(id, after));
  });

  return router;
};

/** The cursor after a write. Throws a refusal if somebody else wrote it in between. */
const written = (id: string, cursor: StoredCursor | null): StoredCursor => {
  if (cursor !== null) return cursor;
  throw new Refusal(409, `the cursor of "${id}" was written since that version: read it again, and decide anew`);
};

const refuseTooLarge = (error: unknown): never => {
  throw codeOf(error) === 'cursor_too_large' ? new FieldError(`value: ${messageOf(error)}`) : error;
};
