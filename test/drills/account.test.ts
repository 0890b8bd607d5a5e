import { alertKey } from '@stream-manager/testkit/accounting/natural-key';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { createWorld } from '@stream-manager/testkit/providers/world';
import { describe, expect, it } from 'vitest';
import { accountOf, type Letter } from './account.ts';

const startAt = Date.UTC(2025, 0, 4, 9);
const topics = { firms: 'fires', purpleair: 'sensors', alert: 'alerts', device: 'devices' };
const world = createWorld({ seed: 5, startAt, alerts: { backlog: 3 } });
const [first, second, third] = world.alerts
  .active(startAt)
  .map((alert) => ({ ...expectedContent(alert), firstServedAt: startAt, lastServedAt: startAt, timesServed: 1 }));
if (first === undefined || second === undefined || third === undefined) throw new Error('three alerts were asked for');
const ledger = { served: () => [first, second, third], offered: () => [] };

const stored = (record: typeof first, offset: number): StoredRecord => {
  const { type, observedAt, data } = record;
  const id = String(data['alertId'])
    .replaceAll(/[^0-9a-f]/g, '')
    .slice(-30, -8);
  return {
    topic: topics.alert,
    partition: 0,
    offset,
    key: record.kafkaKey,
    headers: { 'record-id': id, 'source-id': 'alerts', 'schema-version': '1' },
    timestamp: record.eventTimeMs,
    value: { id, sourceId: 'alerts', type, observedAt, ingestedAt: observedAt, priority: 'normal', data },
  };
};
const letterOf = (record: typeof first): Letter => ({
  sourceId: 'alerts',
  code: 'record_too_large',
  reason: 'too large',
  naturalKey: alertKey(String(record.data['alertId'])),
});

describe('the account of a drill', () => {
  it.each([
    { name: 'all in Kafka', records: [first, second, third], letters: [], missing: 0, doubled: 0 },
    { name: 'one is missing', records: [first, second], letters: [], missing: 1, doubled: 0 },
    { name: 'one is a letter', records: [first, second], letters: [third], missing: 0, doubled: 0 },
    { name: 'one is in Kafka twice', records: [first, second, third, third], letters: [], missing: 0, doubled: 1 },
    {
      name: 'one is in Kafka and a letter',
      records: [first, second, third],
      letters: [third],
      missing: 0,
      doubled: 1,
    },
    { name: 'one is two letters', records: [first, second], letters: [third, third], missing: 0, doubled: 1 },
  ])('counts what is missing and what is doubled: $name', ({ records, letters, missing, doubled }) => {
    const account = accountOf({ ledger, stored: records.map(stored), letters: letters.map(letterOf), topics });
    expect(account).toMatchObject({ served: 3, missing, doubled });
  });

  it('counts what was never served as wrong', () => {
    const account = accountOf({
      ledger: { served: () => [first], offered: () => [] },
      stored: [stored(first, 0), stored(second, 1)],
      letters: [],
      topics,
    });
    expect(account).toMatchObject({ missing: 0, wrong: account.comparison.total.different + 1 });
    expect(account.comparison.total.foreign).toBe(1);
  });
});
