import { type ComparisonInput, compareServedWithStored } from '@stream-manager/testkit/accounting/compare';
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import type { StoredRecord } from '@stream-manager/testkit/accounting/stored-record';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { servedRecords, sourceOf, storedCopy, topicOf } from './stored-copy.ts';

const served = servedRecords(20);
const copies = () => served.map((record, at) => storedCopy(record, at));
const compare = (more: Partial<ComparisonInput>) =>
  compareServedWithStored({ served, stored: copies(), topicOf, ...more });
const none = { missing: 0, doubled: 0, misplaced: 0, foreign: 0, different: 0 };
const of = (kind: ExpectedRecord['kind']) => served.findIndex((record) => record.kind === kind);

describe('served against stored', () => {
  it('is exact when everything is stored once and as it must be', () => {
    const comparison = compare({ expectedSourceIds: (kind) => [sourceOf(kind)] });
    expect(comparison.isExact).toBe(true);
    expect(comparison.total).toEqual({ served: 80, stored: 80, ...none });
    expect(comparison.topics).toEqual(
      ['topic-alert', 'topic-firms', 'topic-purpleair', 'topic-station'].map((topic) => ({
        topic,
        served: 20,
        stored: 20,
        ...none,
      })),
    );
  });

  it('is exact when nothing was served and nothing is stored', () => {
    expect(compare({ served: [], stored: [] })).toMatchObject({ isExact: true, topics: [] });
  });

  it('names what is missing, where it belongs', () => {
    const comparison = compare({ stored: copies().slice(3) });
    expect(comparison.total).toMatchObject({ ...none, missing: 3, stored: 77 });
    expect(comparison.topics.find(({ topic }) => topic === 'topic-firms')).toMatchObject({ missing: 3 });
    expect(comparison.samples.missing.map(({ record }) => record)).toEqual(served.slice(0, 3));
  });

  it('names what is stored twice', () => {
    const stored = [...copies(), { ...storedCopy(served[5]!, 99), partition: 1 }];
    const comparison = compare({ stored });
    expect(comparison.total).toMatchObject({ ...none, doubled: 1, stored: 81 });
    expect(comparison.samples.doubled).toEqual([
      { record: stored[80], why: expect.stringContaining('more than once') },
    ]);
  });

  it('names what lies in a wrong topic, which is then not missing', () => {
    const stored = copies();
    stored[0] = { ...stored[0]!, topic: 'topic-station' };
    const comparison = compare({ stored });
    expect(comparison.total).toMatchObject({ ...none, misplaced: 1 });
    expect(comparison.topics.find(({ topic }) => topic === 'topic-station')).toMatchObject({
      misplaced: 1,
      stored: 21,
    });
    expect(comparison.samples.misplaced[0]!.why).toBe('belongs in topic-firms');
  });

  it.each([
    { name: 'a record that was never served', value: storedCopy(servedRecords(21)[20]!, 0).value, why: /never served/ },
    { name: 'no JSON', value: undefined, why: /not an envelope/ },
    { name: 'an array', value: [], why: /not an envelope/ },
    { name: 'an envelope of an unknown type', value: { id: 'x', sourceId: 'y', type: 'z' }, why: /no natural key/ },
  ])('names $name as foreign', ({ value, why }) => {
    const comparison = compare({ stored: [...copies(), { ...storedCopy(served[0]!, 99), value }] });
    expect(comparison.total).toMatchObject({ ...none, foreign: 1 });
    expect(comparison.samples.foreign[0]!.why).toMatch(why);
  });

  it('wants a copy for each source that fetches a kind', () => {
    const sources = ['firms-a', 'firms-b'];
    const fires = served.filter((record) => record.kind === 'firms');
    const stored = fires.flatMap((record, at) => sources.map((source) => storedCopy(record, at, source)));
    const expectedSourceIds = () => sources;
    expect(compare({ served: fires, stored, expectedSourceIds })).toMatchObject({
      isExact: true,
      total: { served: 40, stored: 40 },
    });
    expect(compare({ served: fires, stored })).toMatchObject({ isExact: true, total: { served: 20, stored: 40 } });
    const oneShort = compare({ served: fires, stored: stored.slice(1), expectedSourceIds });
    expect(oneShort.total).toMatchObject({ ...none, missing: 1 });
    expect(oneShort.samples.missing).toEqual([{ record: fires[0], sourceId: 'firms-a' }]);
    const strange = compare({
      served: fires,
      stored: [...stored, storedCopy(fires[0]!, 9, 'other')],
      expectedSourceIds,
    });
    expect(strange.total).toMatchObject({ ...none, foreign: 1 });
  });

  it('takes offered records for allowed but not due, and holds stored ones to their content', () => {
    const [due, offered] = [served.slice(0, 40), served.slice(40)];
    expect(compare({ served: due, offered, stored: copies() })).toMatchObject({ isExact: true, total: { served: 40 } });
    expect(compare({ served: due, offered, stored: copies().slice(0, 40) }).isExact).toBe(true);
    const wrong = { ...storedCopy(offered[0]!, 0), key: 'wrong' };
    expect(compare({ served: due, offered, stored: [...copies().slice(0, 40), wrong] }).total).toMatchObject({
      ...none,
      different: 1,
    });
  });

  it('keeps no more examples than asked for, and counts all', () => {
    const comparison = compare({ stored: [], sampleLimit: 2 });
    expect(comparison.total.missing).toBe(80);
    expect(comparison.samples.missing).toHaveLength(2);
  });
});

/** A copy with one place changed; a place that becomes undefined is gone. Places are named as differences are. */
const edited = (copy: StoredRecord, path: string, change: (old: unknown) => unknown): StoredRecord => {
  const names = path.replace(/^envelope/, 'value').split('.');
  const last = names.pop()!;
  const whole = structuredClone(copy);
  // Walks through plain JSON objects only.
  let inner = whole as unknown as Record<string, unknown>;
  for (const name of names) inner = inner[name] as Record<string, unknown>;
  const value = change(inner[last]);
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return whole;
};

const replaced = (from: string, to: string) => (old: unknown) => String(old).replace(from, to);
const times = (factor: number) => (old: unknown) => Number(old) * factor;
const gone = () => undefined;

describe('what counts as different', () => {
  const station = of('station');
  const alert = served.findIndex(({ kind, data }) => kind === 'alert' && data['onset'] !== null);
  const windy = served.findIndex(({ data }) => Number(data['windSpeedMps']) > 0);

  it.each([
    { name: 'another key', at: 0, path: 'key', change: () => '1.0,2.0' },
    { name: 'no key', at: 0, path: 'key', change: () => null },
    { name: 'a timestamp a millisecond off', at: 0, path: 'timestamp', change: (old: unknown) => Number(old) + 1 },
    { name: 'another record-id', at: 0, path: 'headers.record-id', change: () => 'x' },
    { name: 'no source-id', at: 0, path: 'headers.source-id', change: gone },
    { name: 'another schema', at: 0, path: 'headers.schema-version', change: () => '2' },
    { name: 'a revision', at: 0, path: 'headers.revision', change: () => '1' },
    { name: 'an id of the wrong form', at: 0, path: 'envelope.id', change: () => 'short' },
    { name: 'a time with an offset', at: 0, path: 'envelope.observedAt', change: replaced('Z', '+00:00') },
    { name: 'no ingestedAt', at: 0, path: 'envelope.ingestedAt', change: gone },
    { name: 'a priority that is none', at: 0, path: 'envelope.priority', change: () => 'urgent' },
    { name: 'a field nobody knows', at: 0, path: 'envelope.extra', change: () => 1 },
    { name: 'no location', at: station, path: 'envelope.location', change: gone },
    { name: 'no elevation', at: station, path: 'envelope.location.elevationM', change: gone },
    {
      name: 'a location too many',
      at: alert,
      path: 'envelope.location',
      change: () => ({ latitude: 1, longitude: 2 }),
    },
    { name: 'wind in km/h', at: windy, path: 'envelope.data.windSpeedMps', change: times(3.6) },
    { name: 'a number a millionth off', at: windy, path: 'envelope.data.windSpeedMps', change: times(1.000001) },
    { name: 'a number as text', at: 0, path: 'envelope.data.frpMw', change: String },
    { name: 'a name left out', at: alert, path: 'envelope.data.headline', change: gone },
    { name: 'null for a value', at: 0, path: 'envelope.data.satellite', change: () => null },
    { name: 'a name in data nobody knows', at: 0, path: 'envelope.data.extra', change: () => null },
    { name: 'a code as it came', at: station, path: 'envelope.data.quality.temperatureC', change: () => 'qc:V' },
    {
      name: 'an alert time with an offset',
      at: alert,
      path: 'envelope.data.effective',
      change: replaced('Z', '+00:00'),
    },
    { name: 'references as text', at: alert, path: 'envelope.data.references', change: () => '' },
  ])('$name', ({ at, path, change }) => {
    const stored: StoredRecord[] = copies();
    stored[at] = edited(stored[at]!, path, change);
    const { total, samples } = compare({ stored });
    // A fire without satellite has no natural key, so that its copy is foreign and itself missing.
    const isUnknown = path === 'envelope.data.satellite';
    expect(total).toMatchObject({ ...none, ...(isUnknown ? { missing: 1, foreign: 1 } : { different: 1 }) });
    const paths = samples.different.flatMap(({ differences }) => differences.map((difference) => difference.path));
    expect(paths.includes(path)).toBe(!isUnknown);
  });

  it.each([
    { name: 'a number in the last bits', at: windy, path: 'envelope.data.windSpeedMps', change: times(1 + 1e-12) },
    { name: 'a time without milliseconds', at: 0, path: 'envelope.observedAt', change: replaced('.000', '') },
    { name: 'an alert time without them', at: alert, path: 'envelope.data.onset', change: replaced('.000', '') },
    { name: 'a header more', at: 0, path: 'headers.traceparent', change: () => '00-1-2-01' },
    { name: 'another priority of the four', at: 0, path: 'envelope.priority', change: () => 'critical' },
  ])('not $name', ({ at, path, change }) => {
    const stored: StoredRecord[] = copies();
    stored[at] = edited(stored[at]!, path, change);
    expect(compare({ stored }).isExact).toBe(true);
  });

  it('a priority other than the one that is expected', () => {
    const priorityOf = (record: ExpectedRecord) => (record.kind === 'firms' ? 'high' : 'normal');
    expect(compare({ priorityOf }).total).toMatchObject({ ...none, different: 20 });
  });

  it('a second id for the same reading, and an id that stands for two readings', () => {
    const withId = (copy: StoredRecord, id: string) =>
      edited(
        edited(copy, 'envelope.id', () => id),
        'headers.record-id',
        () => id,
      );
    const second = withId(storedCopy(served[0]!, 99), 'A'.repeat(22));
    expect(compare({ stored: [...copies(), second] }).total).toMatchObject({ ...none, different: 1 });
    const stored: StoredRecord[] = copies();
    stored[1] = withId(stored[1]!, stored[0]!.headers['record-id']!);
    expect(compare({ stored }).total).toMatchObject({ different: 1, doubled: 1 });
  });
});

describe('any mixture of losses and doubles', () => {
  it('is counted exactly, in whatever order it is stored', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: served.length, maxLength: served.length });
    fc.assert(
      fc.property(counts, fc.infiniteStream(fc.nat()), (copiesOf, order) => {
        const stored = served.flatMap((record, at) =>
          Array.from({ length: copiesOf[at]! }, () => ({ copy: storedCopy(record, at), rank: order.next().value })),
        );
        stored.sort((one, other) => one.rank - other.rank);
        const { total } = compare({ stored: stored.map(({ copy }) => copy) });
        expect(total).toEqual({
          ...none,
          served: 80,
          stored: stored.length,
          missing: copiesOf.filter((count) => count === 0).length,
          doubled: copiesOf.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
        });
      }),
      { numRuns: 40 },
    );
  });
});

describe('what is told apart by more than its kind', () => {
  const device = (serial: number, isTimeless: boolean): ExpectedRecord => ({
    kind: 'device',
    naturalKey: `device sensors/d1/humidity ${serial}`,
    type: 'sensor-reading',
    observedAt: '2025-01-04T09:00:00.000Z',
    isTimeless,
    data: { deviceId: 'd1', sensorType: 'humidity', topic: 'sensors/d1/humidity', relativeHumidityPercent: serial },
    kafkaKey: 'd1',
    eventTimeMs: Date.UTC(2025, 0, 4, 9),
    firstServedAt: 0,
    lastServedAt: 0,
    timesServed: 1,
  });
  /** As stored an hour later. */
  const later = (record: ExpectedRecord): StoredRecord => {
    const observedAt = '2025-01-04T10:00:00.000Z';
    const copy = storedCopy({ ...record, observedAt, eventTimeMs: Date.parse(observedAt) }, 0);
    return { ...copy, topic: topicOf('device') };
  };

  it.each([
    { isTimeless: true, different: 0 },
    { isTimeless: false, different: 1 },
  ])('a reading without a time may have any, others only theirs: $isTimeless', ({ isTimeless, different }) => {
    const record = device(7, isTimeless);
    expect(compare({ served: [record], stored: [later(record)] }).total).toMatchObject({ ...none, different });
  });

  it('a timestamp that is not that of the envelope is wrong without a time, too', () => {
    const stored = [{ ...later(device(7, true)), timestamp: 1 }];
    expect(compare({ served: [device(7, true)], stored }).total).toMatchObject({ different: 1 });
  });

  it('each record is due of the sources that fetch it, whatever its kind', () => {
    const [one, other] = served.filter(({ kind }) => kind === 'firms') as [ExpectedRecord, ExpectedRecord];
    const expectedSourceIds = (_kind: string, record: ExpectedRecord) => [
      record.naturalKey === one.naturalKey ? 'of-one' : 'of-other',
    ];
    const right = [storedCopy(one, 0, 'of-one'), storedCopy(other, 1, 'of-other')];
    expect(compare({ served: [one, other], stored: right, expectedSourceIds }).isExact).toBe(true);
    const swapped = [storedCopy(one, 0, 'of-other'), storedCopy(other, 1, 'of-one')];
    expect(compare({ served: [one, other], stored: swapped, expectedSourceIds }).total).toMatchObject({
      foreign: 2,
      missing: 2,
    });
  });

  it('two states of one earthquake share an id and differ in their revision', () => {
    const state = (updatedAt: string): ExpectedRecord => ({
      ...device(1, false),
      kind: 'earthquake',
      naturalKey: `earthquake us1 ${updatedAt}`,
      type: 'record',
      data: { eventId: 'us1', updatedAt },
      kafkaKey: 'us1',
    });
    const states = [state('2025-01-04T09:01:00.000Z'), state('2025-01-04T09:20:00.000Z')];
    const [first, second] = states.map((record, at) => storedCopy(record, at)) as [StoredRecord, StoredRecord];
    const id = first.headers['record-id']!;
    const corrected = {
      ...second,
      headers: { ...second.headers, 'record-id': id, revision: '2' },
      value: { ...(second.value as object), id },
    };
    expect(compare({ served: states, stored: [first, corrected] }).isExact).toBe(true);
    const unmarked = { ...corrected, headers: { ...second.headers, 'record-id': id } };
    expect(compare({ served: states, stored: [first, unmarked] }).total).toMatchObject({ doubled: 1 });
  });
});
