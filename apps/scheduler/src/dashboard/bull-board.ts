// Bull Board with every queue of the system in it. It has no login and no limits of its own: the login stands in front,
// and acts that would bypass the system's own accounting are switched off here.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Queue } from 'bullmq';
import type { Router } from 'express';

/** Where the dashboard stands. */
export const dashboardPath = '/admin/queues';

/**
 * What people may do here. Everything else is switched off: adding jobs or rewriting their data, priority or delay by hand
 * would bypass admission and order, limits by hand would stall whole queues.
 */
const allowedActs = [
  /\/(pause|resume)$/,
  /\/retry(\/:queueStatus)?$/,
  /\/promote$/,
  /\/clean(\/:queueStatus)?$/,
  /\/(empty|obliterate)$/,
  /\/job-schedulers\/:schedulerId\/(run|remove)$/,
];

/** Whether an act of Bull Board is allowed. Pure; `route` is Bull Board's route pattern. */
export const isActAllowed = (method: string, route: string): boolean =>
  method.toLowerCase() === 'get' || allowedActs.some((pattern) => pattern.test(route));

/** A queue and what it is, in a few words. */
export interface DashboardQueue {
  readonly queue: Queue;
  readonly description: string;
}

/** The most text of a job's data that is shown per field. */
const shownCharacters = 2_000;

/** Cuts long texts, so that no job can freeze the browser. Pure. */
export const shorten = (value: unknown): unknown => {
  if (typeof value === 'string')
    return value.length > shownCharacters ? `${value.slice(0, shownCharacters)}… (${value.length} characters)` : value;
  if (Array.isArray(value)) return value.slice(0, 20).map(shorten);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, shorten(entry)]));
  return value;
};

/** Creates the dashboard's router, to be mounted at `dashboardPath` behind the login. */
export const createDashboard = (queues: readonly DashboardQueue[], logger: Logger): Router => {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(dashboardPath);
  createBullBoard({
    queues: queues.map(({ queue, description }) => {
      const adapter = new BullMQAdapter(queue, { description, delimiter: '.' });
      adapter.setFormatter('data', shorten);
      return adapter;
    }),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'StreamManager',
        hideDocsLink: true,
        pollingInterval: { forceInterval: 5 },
        showWorkers: false,
        miscLinks: [{ text: 'Streams', url: '/' }],
      },
      handlerHooks: {
        before: ({ method, route, request }) => {
          if (method.toLowerCase() === 'get') return { allow: true };
          const allow = isActAllowed(method, route);
          logger.info({ method, route, params: request.params, allow }, 'dashboard act');
          return allow
            ? { allow: true }
            : { allow: false, status: 403, message: 'Switched off: it would bypass the accounting of records.' };
        },
      },
    },
  });
  // The adapter types its router as `any`; it is the Express router it made.
  return serverAdapter.getRouter() as Router;
};
