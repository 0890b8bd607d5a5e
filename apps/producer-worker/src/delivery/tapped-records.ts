// What a person who taps sees of records on their way to Kafka: topic, key, headers and value as they will stand there.
// Shown when their chunk is taken: one that waits, or is sent again, is shown each time it is taken.
import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import type { Tap } from '@stream-manager/shared/queues/tap';
import { schemaVersion } from '@stream-manager/shared/records/envelope';
import { parseValue } from '@stream-manager/shared/records/stored-value';

/** Shows the records of a chunk. */
export const showRouted = (tap: Tap, sourceId: string, outgoing: readonly OutgoingRecord[]): void =>
  tap.show(sourceId, 'route', outgoing, ({ topic, key, value, timestampMs, recordId, revision, ...record }) => ({
    topic,
    key: key.toString('utf8'),
    headers: {
      'schema-version': schemaVersion,
      'record-id': recordId,
      'source-id': record.sourceId,
      ...(revision === undefined ? {} : { revision }),
    },
    timestamp: new Date(timestampMs).toISOString(),
    value: parseValue(value),
  }));
