// Whether Kafka answers, as /readyz shows it. Publishing tells it; while it does not answer, a look at the cluster every
// few seconds finds out when it is back, also when nothing is queued. A process starts without Kafka and says so.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Service } from '@stream-manager/shared/ops/service';
import type { KafkaWatch } from './publish.ts';

/** Time between two looks at a cluster that does not answer, in milliseconds. */
const lookIntervalMs = 5_000;

/** Creates the watch. `start` looks once in the background: it never waits for Kafka. */
export const createKafkaWatch = (deps: {
  readonly admin: Pick<KafkaAdminPort, 'listTopics'>;
  readonly health: Pick<Health, 'setProblem'>;
  readonly logger: Logger;
}): KafkaWatch & Service => {
  let problem: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let isStopped = false;

  const answered = (): void => {
    if (problem === null) return;
    problem = null;
    deps.health.setProblem('kafka', null);
    deps.logger.info('Kafka answers again');
  };
  const failed = (message: string): void => {
    if (problem === null)
      deps.logger.warn({ error: message }, 'Kafka does not take records; chunks wait in Redis without using attempts');
    if (problem === message) return;
    problem = message;
    deps.health.setProblem('kafka', `unreachable: ${message}`);
  };
  const look = (): void => {
    if (isStopped) return;
    looking ??= deps.admin
      .listTopics()
      .then(answered, (error: unknown) => {
        if (!isStopped) failed(messageOf(error));
      })
      .finally(() => {
        looking = null;
      });
  };
  return {
    answered,
    failed,
    start: async () => {
      look();
      timer = setInterval(() => {
        if (problem !== null) look();
      }, lookIntervalMs);
    },
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
    },
  };
};
