// Watches the publishes of a process. One that neither ends nor tells of trouble for a minute is called off: what no broker
// was given by then never goes out, and its chunks may go back. What was given to one may be written, so it is not given
// up, however long its answer takes: its end is waited for, and /readyz names the batch meanwhile.
import { codeOf } from '@stream-manager/shared/failures/errors';
import type { KafkaProducerPort } from '@stream-manager/shared/kafka/port';
import { abandonedShownMs, type JobWatch } from '@stream-manager/shared/ops/job-watch';

/** A publish that neither ends nor tells of an outage for this long hangs, in milliseconds: six times its own time limit. */
export const hungAfterMs = 60_000;

/** A producer whose publishes are watched. */
export interface WatchedProducer extends Pick<KafkaProducerPort, 'publish' | 'timestampBounds'> {
  /** The client tells of trouble: it gets on. */
  progress(): void;
}

/** Creates it. */
export const watchProducer = (
  producer: Pick<KafkaProducerPort, 'publish' | 'timestampBounds'>,
  watch: JobWatch,
): WatchedProducer => {
  const underway = new Set<() => void>();
  return {
    publish: async (records) => {
      const calledOff = new AbortController();
      const publishing = producer.publish(records, { signal: calledOff.signal });
      const name = `a batch of source ${records[0]?.sourceId ?? ''} on its way to Kafka`;
      // From the second time on as often as the watch forgets, so that what is stuck stays named.
      for (let limitMs = hungAfterMs; ; limitMs = abandonedShownMs) {
        try {
          return await watch.run(
            name,
            async (progress) => {
              underway.add(progress);
              try {
                return await publishing;
              } finally {
                underway.delete(progress);
              }
            },
            { limitMs },
          );
        } catch (error) {
          if (codeOf(error) !== 'hung') throw error;
          calledOff.abort(error);
        }
      }
    },
    timestampBounds: (topics) => producer.timestampBounds(topics),
    progress: () => {
      for (const progress of underway) progress();
    },
  };
};
