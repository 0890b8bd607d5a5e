import { createHash } from 'node:crypto';
import type { SourceRecord } from '@stream-manager/shared/records/envelope';
import { decodePayload, encodePayload, isPayloadFault } from '@stream-manager/shared/records/payload';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyReader } from '../../src/admission/partition-key.ts';
import { type PreparedRows, type PrepareOptions, startPreparation } from '../../src/admission/prepare.ts';
import { idText, recordId } from '../../src/admission/record-id.ts';

const ingestedAtMs = Date.UTC(2026, 0, 4, 9, 5);

const options: PrepareOptions = {
  sourceId: 'noaa-stations',
  priority: 'normal',
  resolvePriority: (_record, base) => base,
  readKey: undefined,
};

const reading = (changes: Partial<SourceRecord> = {}): SourceRecord => ({
  type: 'weather-observation',
  naturalKey: 'KSFO|2026-01-04T09:02:00.000Z',
  observedAtMs: Date.UTC(2026, 0, 4, 9, 2),
  location: { latitude: 37.62, longitude: -122.37 },
  data: { stationId: 'KSFO', temperatureC: 11.7, windSpeedMps: null },
  partitionKey: 'KSFO',
  ...changes,
});

const prepare = (
  records: readonly SourceRecord[],
  changes: Partial<PrepareOptions> = {},
  at = ingestedAtMs,
): PreparedRows => {
  const preparation = startPreparation({ ...options, ...changes }, at);
  preparation.add(records);
  return preparation.finish();
};

const envelopeOf = (rows: PreparedRows, index = 0): unknown => JSON.parse(rows.records[index]!.value.toString('utf8'));

describe('a prepared record', () => {
  it('is the envelope of the contract, its fields in their order', () => {
    const text = prepare([reading()]).records[0]!.value.toString('utf8');
    expect(text).toBe(
      '{"id":"s45MOAnGxTAcCORof2-QoA","sourceId":"noaa-stations","type":"weather-observation",' +
        '"observedAt":"2026-01-04T09:02:00.000Z","ingestedAt":"2026-01-04T09:05:00.000Z","priority":"normal",' +
        '"location":{"latitude":37.62,"longitude":-122.37},' +
        '"data":{"stationId":"KSFO","temperatureC":11.7,"windSpeedMps":null}}',
    );
  });

  it('has no location where the source gives none, and an elevation where it gives one', () => {
    const { location: _none, ...bare } = reading();
    expect(envelopeOf(prepare([bare]))).not.toHaveProperty('location');
    const high = reading({ location: { latitude: 1, longitude: -0, elevationM: 3.4 } });
    expect(envelopeOf(prepare([high]))).toHaveProperty('location', { latitude: 1, longitude: 0, elevationM: 3.4 });
  });

  it('has the same id in every run, and another one in another source', () => {
    const first = prepare([reading()]).records[0]!;
    const later = prepare([reading()], {}, ingestedAtMs + 3_600_000).records[0]!;
    const elsewhere = prepare([reading()], { sourceId: 'noaa-other' }).records[0]!;
    expect(later.id).toEqual(first.id);
    expect(later.hash).toEqual(first.hash);
    expect(elsewhere.id).not.toEqual(first.id);
  });

  it.each([
    { name: 'the data changes', changes: { data: { stationId: 'KSFO', temperatureC: 11.8 } }, isCorrection: true },
    {
      name: 'the location changes',
      changes: { location: { latitude: 37.63, longitude: -122.37 } },
      isCorrection: true,
    },
    { name: 'the time changes', changes: { observedAtMs: Date.UTC(2026, 0, 4, 9, 3) }, isCorrection: true },
    { name: 'the Kafka key changes', changes: { partitionKey: 'other' }, isCorrection: false },
  ])('is a correction when $name: $isCorrection', ({ changes, isCorrection }) => {
    const before = prepare([reading()]).records[0]!;
    const after = prepare([reading(changes)]).records[0]!;
    expect(after.id).toEqual(before.id);
    expect(after.hash.equals(before.hash)).toBe(!isCorrection);
  });

  it('is no correction for another priority or time of ingestion', () => {
    const before = prepare([reading()]).records[0]!;
    const after = prepare([reading()], { priority: 'low' }, ingestedAtMs + 1).records[0]!;
    expect(after.hash).toEqual(before.hash);
    expect(after.value).not.toEqual(before.value);
  });

  it('takes its class from the rules, from the source otherwise', () => {
    const rows = prepare([reading(), reading({ naturalKey: 'other', type: 'weather-alert' })], {
      priority: 'low',
      resolvePriority: (record, base) => (record.type === 'weather-alert' ? 'critical' : base),
    });
    expect(rows.records.map((record) => record.priority)).toEqual([4, 1]);
    expect(envelopeOf(rows, 1)).toHaveProperty('priority', 'critical');
  });

  it.each([
    { name: 'the operator’s path', changes: {}, path: 'data.stationId', key: 'KSFO' },
    {
      name: 'the source’s key where the path leads nowhere',
      changes: { partitionKey: 'cell' },
      path: 'data.absent',
      key: 'cell',
    },
    { name: 'the source’s key', changes: { partitionKey: '39.8,-121.6' }, path: undefined, key: '39.8,-121.6' },
    {
      name: 'an operator’s path before the source’s key',
      changes: { partitionKey: 'cell' },
      path: 'data.stationId',
      key: 'KSFO',
    },
  ])('has as key $name', ({ changes, path, key }) => {
    const readKey = path === undefined ? undefined : createKeyReader(path);
    expect(prepare([reading(changes)], { readKey }).records[0]!.key).toBe(key);
  });

  it('has its id as key where nobody names one', () => {
    const { partitionKey: _none, ...bare } = reading();
    const record = prepare([bare]).records[0]!;
    expect(record.key).toBe(idText(record.id));
  });

  it('comes out of a payload as it went in, whatever its texts are', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
        ),
        fc.string({ unit: 'binary' }),
        (data, naturalKey) => {
          const rows = prepare([reading({ data, naturalKey })]);
          const decoded = decodePayload(encodePayload(rows.records));
          if (isPayloadFault(decoded)) throw new Error('a payload that was just written cannot be read');
          const envelope = JSON.parse(decoded[0]!.value.toString('utf8'));
          expect(envelope.data).toEqual(JSON.parse(JSON.stringify(data)));
          expect(envelope.id).toBe(idText(recordId('noaa-stations', naturalKey)));
        },
      ),
    );
  });
});

describe('the records of a page', () => {
  it('are united by id; the last one wins and stands where it stood', () => {
    const rows = prepare([
      reading({ data: { temperatureC: 1 } }),
      reading({ naturalKey: 'other' }),
      reading({ data: { temperatureC: 2 } }),
    ]);
    expect(rows.records.map((_record, index) => envelopeOf(rows, index))).toMatchObject([
      { data: { stationId: 'KSFO' } },
      { data: { temperatureC: 2 } },
    ]);
    expect(rows.repeated).toBe(1);
  });

  it('are united over slices, and none is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 1, max: 7 }), (keys, slice) => {
        const all = keys.map((key) => reading({ naturalKey: String(key) }));
        const preparation = startPreparation(options, ingestedAtMs);
        for (let from = 0; from < all.length; from += slice) preparation.add(all.slice(from, from + slice));
        const rows = preparation.finish();
        expect(rows.records).toEqual(prepare(all).records);
        expect(rows.records.length).toBe(new Set(keys).size);
        expect(rows.records.length + rows.repeated).toBe(keys.length);
      }),
    );
  });

  it('tell how new the newest is', () => {
    const times = [3, 9, 5].map((hour) => Date.UTC(2026, 0, 4, hour));
    const rows = prepare(times.map((observedAtMs) => reading({ observedAtMs, naturalKey: String(observedAtMs) })));
    expect(rows.newestObservedAtMs).toBe(times[1]);
    expect(prepare([]).newestObservedAtMs).toBeNull();
  });
});

describe('a record that cannot be stored', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each([
    { name: 'NaN in its data', changes: { data: { temperatureC: Number.NaN } }, reason: 'not_finite' },
    {
      name: 'infinity deep in its data',
      changes: { data: { a: [{ b: [1, Number.POSITIVE_INFINITY] }] } },
      reason: 'not_finite',
    },
    {
      name: 'NaN in its location',
      changes: { location: { latitude: Number.NaN, longitude: 1 } },
      reason: 'not_finite',
    },
    { name: 'no time', changes: { observedAtMs: Number.NaN }, reason: 'not_a_time' },
    { name: 'a time beyond all calendars', changes: { observedAtMs: 9e15 }, reason: 'not_a_time' },
    { name: 'a number that JSON does not have', changes: { data: { count: 1n } }, reason: 'not_serialisable' },
    { name: 'a cycle', changes: { data: cycle }, reason: 'not_serialisable' },
    { name: 'a Kafka key that is too long', changes: { partitionKey: 'ü'.repeat(40_000) }, reason: 'key_too_long' },
  ])('because of $name is an invalid row, and its neighbours are not harmed', ({ changes, reason }) => {
    const rows = prepare([reading({ naturalKey: 'a' }), reading(changes), reading({ naturalKey: 'c' })]);
    expect(rows.records).toHaveLength(2);
    expect(rows.invalid).toHaveLength(1);
    expect(rows.invalid[0]).toMatchObject({ reason });
    expect(rows.invalid[0]!.raw).toContain('KSFO|2026-01-04');
    expect(rows.invalid[0]!.raw.length).toBeLessThanOrEqual(8192);
  });

  it('shows what stood in it', () => {
    const { raw } = prepare([reading({ data: { temperatureC: Number.NaN } })]).invalid[0]!;
    expect(JSON.parse(raw)).toMatchObject({ type: 'weather-observation', data: { temperatureC: 'NaN' } });
  });
});

describe('an invalid row', () => {
  const rowOf = (raw: string) => ({ raw, reason: 'not_a_number', message: 'frp: expected a number, found "x"' });

  it('is known by its text, once in a page', () => {
    const preparation = startPreparation(options, ingestedAtMs);
    preparation.addInvalid([rowOf('1,2,x'), rowOf('1,2,y'), rowOf('1,2,x')]);
    const { invalid } = preparation.finish();
    expect(invalid.map((row) => row.raw)).toEqual(['1,2,x', '1,2,y']);
    const whole = createHash('sha256').update('noaa-stations\x00\x001,2,x').digest();
    expect(invalid[0]!.id).toEqual(whole.subarray(0, 16));
    expect(invalid[0]!.hash).toEqual(whole.subarray(16, 24));
  });

  it('is kept up to 8,192 characters', () => {
    const preparation = startPreparation(options, ingestedAtMs);
    preparation.addInvalid([rowOf('x'.repeat(9000))]);
    expect(preparation.finish().invalid[0]!.raw).toHaveLength(8192);
  });
});
