import { expectedContent } from '@stream-manager/testkit/providers/expected-content';
import { createWorld } from '@stream-manager/testkit/providers/world';
import { describe, expect, it } from 'vitest';
import { absentOf, arrivalsOf, fromAnswer, printSpread, spreadOf } from './arrivals.ts';
import { asAtHome } from './own-topics.ts';
import { longestGapMs } from './throttle-watch.ts';

const startAt = Date.UTC(2025, 0, 4, 9);
const [first, second] = createWorld({ seed: 5, startAt, alerts: { backlog: 2 } })
  .alerts.active(startAt)
  .map((alert) => ({ ...expectedContent(alert), firstServedAt: startAt, lastServedAt: startAt, timesServed: 1 }));
if (first === undefined || second === undefined) throw new Error('two alerts were asked for');
const ledger = { served: () => [first, second] };

const storedAt = ({ type, observedAt, data }: typeof first, timestamp: number, topic = 'alerts') => ({
  topic,
  partition: 0,
  offset: 0,
  key: 'k',
  headers: { 'source-id': 'alerts' },
  timestamp,
  value: {
    id: 'one',
    sourceId: 'alerts',
    type,
    observedAt,
    ingestedAt: new Date(startAt + 100).toISOString(),
    priority: 'critical',
    data,
  },
});

describe('how long records took', () => {
  it('counts from the first answer to the first copy in Kafka', () => {
    const stored = [storedAt(first, startAt + 700), storedAt(first, startAt + 250)];
    const arrivals = arrivalsOf(ledger, stored);
    expect(arrivals).toEqual([
      {
        sourceId: 'alerts',
        priority: 'critical',
        servedAt: startAt,
        ingestedAt: startAt + 100,
        writtenAt: startAt + 250,
      },
    ]);
    expect(arrivals.map(fromAnswer)).toEqual([250]);
    expect(absentOf(ledger, stored).map(({ naturalKey }) => naturalKey)).toEqual([second.naturalKey]);
  });

  it('prints median, 99th percentile and the longest', () => {
    const spread = spreadOf(Array.from({ length: 200 }, (_unused, index) => 200 - index));
    expect(spread).toEqual({ count: 200, p50: 101, p99: 199, most: 200 });
    expect(printSpread(spread)).toBe('p50 101, p99 199, at most 200 ms over 200');
    expect(spreadOf([])).toEqual({ count: 0, p50: 0, p99: 0, most: 0 });
  });
});

describe('a record as the account expects it', () => {
  const topics = {
    firms: 'fires',
    otherFirms: 'other-fires',
    purpleair: 'sensors',
    alert: 'alerts',
    device: 'devices',
  };
  const own = (sourceId: string): string | null => (sourceId === 'alerts' ? topics.otherFirms : null);

  it.each([
    { name: "of a source's own topic lies in that of its kind", lies: 'other-fires', seen: 'fires' },
    { name: 'that is not in the own topic of its source is misplaced', lies: 'fires', seen: 'misplaced in fires' },
  ])('$name', ({ lies, seen }) => {
    expect(asAtHome({ ownTopic: own }, topics, false)(storedAt(first, 5, lies))).toMatchObject({
      topic: seen,
      timestamp: 5,
    });
  });

  it('has the time of its event when the broker stamped it with its own', () => {
    const record = asAtHome({ ownTopic: () => null }, topics, true)(storedAt(first, 5));
    expect(record).toMatchObject({ topic: 'alerts', timestamp: Date.parse(first.observedAt) });
  });
});

describe('the longest time between two samples', () => {
  it('spreads what was not seen evenly', () => {
    const at = (sample: number, sampledAt: number) => ({ sample, sampledAt });
    expect(longestGapMs([at(1, 0), at(2, 200), at(4, 700), at(5, 900)])).toBe(250);
    expect(longestGapMs([at(1, 0)])).toBe(0);
  });
});
