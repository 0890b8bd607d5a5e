import type { OutgoingRecord } from '@stream-manager/shared/kafka/port';
import { describe, expect, it } from 'vitest';
import { showRouted } from '../../src/delivery/tapped-records.ts';

const outgoing: OutgoingRecord = {
  topic: 'fires',
  key: Buffer.from('37.1,-120.0'),
  value: Buffer.from('{"id":"a","data":{"frpMw":1}}'),
  timestampMs: Date.parse('2026-05-01T12:00:00.000Z'),
  recordId: 'a',
  sourceId: 'firms',
};

describe('records on their way to Kafka', () => {
  it('are shown as they will stand there', () => {
    const shown: unknown[] = [];
    showRouted(
      {
        look: async () => {},
        show: (sourceId, stage, records, view) => void shown.push(sourceId, stage, ...records.map(view)),
      },
      'firms',
      [outgoing, { ...outgoing, revision: '0123456789ab' }],
    );
    const plain = {
      topic: 'fires',
      key: '37.1,-120.0',
      headers: { 'schema-version': '1', 'record-id': 'a', 'source-id': 'firms' },
      timestamp: '2026-05-01T12:00:00.000Z',
      value: { id: 'a', data: { frpMw: 1 } },
    };
    const corrected = { ...plain, headers: { ...plain.headers, revision: '0123456789ab' } };
    expect(shown).toEqual(['firms', 'route', plain, corrected]);
  });
});
