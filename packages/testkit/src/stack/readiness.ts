// Whether a server serves, asked as a client asks: an open port is not enough. Redis answers PING only when its data is
// loaded; a Kafka node answers a metadata request with itself in it only when its controller has let it in.
import { Redis } from 'ioredis';
import { fetchClusterMetadata } from './kafka-metadata.ts';

/**
 * Throws what is wrong while Redis does not serve (refused, LOADING, wrong password, no answer within a second), and when
 * `pid` is given and another process answers.
 */
export const askRedis = async (url: string, pid?: number): Promise<void> => {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let lastError: unknown = null;
  redis.on('error', (error) => {
    lastError = error; // says why, where the rejected command only says that the connection is closed
  });
  try {
    await redis.connect();
    await redis.ping();
    if (pid !== undefined && !(await redis.info('server')).includes(`process_id:${pid}\r\n`)) {
      throw new Error(`another Redis answers at ${url}`);
    }
  } catch (error) {
    throw lastError ?? error;
  } finally {
    redis.disconnect();
  }
};

/**
 * Throws what is wrong while no broker of the list answers a plain metadata request with at least one live broker, and
 * when `clusterId` is given and it is another cluster that answers.
 */
export const askKafka = async (brokers: readonly string[], clusterId?: string): Promise<void> => {
  const cluster = await Promise.any(brokers.map(async (broker) => fetchClusterMetadata(broker))).catch(
    (error: unknown) => {
      throw error instanceof AggregateError ? error.errors[0] : error; // one broker's reason is enough
    },
  );
  if (cluster.brokerIds.length === 0) throw new Error('the cluster has no live broker yet');
  if (clusterId !== undefined && cluster.clusterId !== clusterId) {
    throw new Error(`another cluster answers at ${brokers.join(', ')}: ${cluster.clusterId ?? 'without id'}`);
  }
};
