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
  return {
    ...(scheduler.routes === undefined ? {} : { routes: scheduler.routes }),
    finishIntake: async () => poller.finishIntake?.(),
    start: async (signal) => {
      await producer.start(signal);
      await poller.start(signal);
      await scheduler.start(signal);
    },
    stop: async () => {
      await scheduler.stop();
      await poller.stop();
      await producer.stop();
    },
  };
};
