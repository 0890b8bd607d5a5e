// This process' side of Kafka: the two clients, the breaker over them, and the publisher that every source uses.
import { classifySendError } from '@stream-manager/shared/failures/send-outcome';
import { createKafka } from '@stream-manager/shared/kafka/create-kafka';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import { after } from '@stream-manager/shared/ops/after';
import { createJobWatch } from '@stream-manager/shared/ops/job-watch';
import type { ProcessContext } from '@stream-manager/shared/ops/process-context';
import { createPublisher, type Publisher } from '../delivery/publish.ts';
import { readHeads } from '../queues/read-heads.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { outageScope } from './outage-scope.ts';
import { hungAfterMs, watchProducer } from './watched-producer.ts';

/** What the rest of the process uses of Kafka. */
export interface KafkaSide {
  readonly admin: KafkaAdminPort;
  readonly breaker: Breaker;
  readonly publisher: Publisher;
  close(): Promise<void>;
}

/** Creates the clients; nothing connects before the breaker's start or the first batch. */
export const createKafkaSide = (
  context: Pick<ProcessContext, 'config' | 'redis' | 'logger' | 'metrics' | 'health' | 'facts'>,
): KafkaSide => {
  const { config, redis, logger, metrics, health, facts } = context;
  const now = (): number => performance.now();
  const kafka = createKafka(config.kafka, { logger, role: 'producer-worker' });
  const admin = kafka.createAdmin();
  facts.set('breaker', 'closed');
  const breaker = createBreaker(
    {
      admin,
      readHeads: (sourceIds) => readHeads(redis, config.redis.keyPrefix, sourceIds),
      health,
      logger,
      now,
      after,
      onChange: (state) => facts.set('breaker', state),
    },
    config.delivery.circuitBreaker,
  );

  const producer = kafka.createProducer({
    onTrouble: (error, sourceIds) => {
      const { code, message } = classifySendError(error);
      breaker.trouble({ message, scope: outageScope(code) }, sourceIds);
      watched.progress();
    },
  });
  const watched = watchProducer(producer, createJobWatch({ health, logger, now, after }, { limitMs: hungAfterMs }));
  return {
    admin,
    breaker,
    publisher: createPublisher({ producer: watched, metrics, now: Date.now }),
    close: async () => {
      await breaker.stop();
      await Promise.all([producer.close(), admin.close()]);
    },
  };
};
