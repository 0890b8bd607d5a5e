// All processes in one: composes the three apps over one context. Data-flow order decides what starts and stops first:
// what drains stands before what fills, and what fills is stopped first.
import { composePollerWorker } from '@stream-manager/poller-worker/compose';
import { composeProducerWorker } from '@stream-manager/producer-worker/compose';
import { composeScheduler } from '@stream-manager/scheduler/compose';
import type { Compose, Composition } from '@stream-manager/shared/ops/process-context';

/** Composes scheduler, poller worker and producer worker into one service. */
export const composeStreamManager: Compose = (context): Composition => {
  const scheduler = composeScheduler(context);
  const poller = composePollerWorker(context);
  const producer = composeProducerWorker(context);
  // The poller's come first: who pushes records has a token and no login.
  const routes = poller.routes ?? scheduler.routes;
  if (routes !== undefined && scheduler.routes !== undefined && routes !== scheduler.routes)
    routes.use(scheduler.routes);
  return {
    ...(routes === undefined ? {} : { routes }),
    finishIntake: async () => poller.finishIntake?.(),
    start: async (signal) => {
      await producer.start(signal);
      await poller.start(signal);
      await scheduler.start(signal);
    },
    // Each is stopped whatever became of the one before: a part that is left running would work on closed connections.
    stop: async () => {
      const failures: unknown[] = [];
      for (const part of [scheduler, poller, producer]) {
        await part.stop().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw new AggregateError(failures, 'not every part could be stopped');
    },
  };
};
