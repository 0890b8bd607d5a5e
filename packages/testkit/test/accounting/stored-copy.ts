// What a right product would have stored of served records, for tests that then spoil it.
import { createHash } from 'node:crypto';
import type { ExpectedRecord, RecordKind } from '@stream-manager/testkit/accounting/expected-record';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { createWorld, type WorldOptions } from '@stream-manager/testkit/providers/world';

const startAt = Date.UTC(2025, 0, 4, 9);

export const topicOf = (kind: RecordKind): string => `topic-${kind}`;
export const sourceOf = (kind: RecordKind): string => `source-${kind}`;

/** Some records of every kind. */
export const servedRecords = (
  count: number,
  options: Omit<WorldOptions, 'seed' | 'startAt'> = {},
): readonly ExpectedRecord[] => {
  const world = createWorld({
    seed: 11,
    startAt,
    firms: { backlog: count },
    stations: { count },
    alerts: { backlog: count },
    purpleair: { count },
    ...options,
  });
  const fields = new Set([
    'name',
    'last_seen',
    'latitude',
    'longitude',
    'altitude',
    'temperature',
    'pressure',
    'pm2.5',
  ]);
  return [
    ...world.fires.visible('MODIS_NRT', startAt),
    ...world.stations.all.flatMap(({ id }) => world.stations.latest(id, startAt) ?? []),
    ...world.alerts.active(startAt),
    ...world.airSensors
      .latest(startAt)
      .map((reading) => ({ kind: 'purpleair' as const, naturalKey: reading.naturalKey, reading, fields })),
  ].map((truth) => ({
    ...expectedContent(truth),
    firstServedAt: startAt,
    lastServedAt: startAt,
    timesServed: 1,
  }));
};

/** A served record as a right product stores it for a source. Plain JSON, as it comes out of Kafka. */
export const storedCopy = (record: ExpectedRecord, offset: number, sourceId = sourceOf(record.kind)): StoredRecord => {
  const id = createHash('sha256')
    .update(`${sourceId} ${record.naturalKey}`)
    .digest()
    .subarray(0, 16)
    .toString('base64url');
  const { type, observedAt, location, data } = record;
  const envelope = {
    id,
    sourceId,
    type,
    observedAt,
    ingestedAt: new Date(startAt + 5000).toISOString(),
    priority: 'normal',
    location,
    data,
  };
  return {
    topic: topicOf(record.kind),
    partition: 0,
    offset,
    key: record.kafkaKey,
    headers: { 'record-id': id, 'source-id': sourceId, 'schema-version': '1' },
    timestamp: record.eventTimeMs,
    value: JSON.parse(JSON.stringify(envelope)),
  };
};
