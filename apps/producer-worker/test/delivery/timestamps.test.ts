import { parseValue } from '@stream-manager/shared/records/stored-value';
import { describe, expect, it } from 'vitest';
import { isUsableEventTime, replacementTimestamp } from '../../src/delivery/timestamps.ts';

const now = Date.parse('2026-05-01T12:00:00.000Z');
const hour = 3_600_000;

describe('isUsableEventTime', () => {
  it.each([
    { name: 'a year ago', at: now - 365 * 24 * hour, expected: true },
    { name: 'now', at: now, expected: true },
    { name: 'exactly an hour ahead', at: now + hour, expected: true },
    { name: 'a millisecond more', at: now + hour + 1, expected: false },
    { name: 'before 1970', at: -1, expected: false },
    { name: 'no number', at: Number.NaN, expected: false },
    { name: 'beyond all time', at: Number.POSITIVE_INFINITY, expected: false },
  ])('$name: $expected', ({ at, expected }) => {
    expect(isUsableEventTime(at, now)).toBe(expected);
  });
});

describe('replacementTimestamp', () => {
  it.each([
    { name: 'the time of ingestion', value: '{"ingestedAt":"2026-05-01T11:00:00.000Z"}', expected: now - hour },
    { name: 'now, if that lies ahead as well', value: '{"ingestedAt":"2027-05-01T11:00:00.000Z"}', expected: now },
    { name: 'now, if there is none', value: '{}', expected: now },
    { name: 'now, if the value is no JSON', value: 'ö{', expected: now },
    { name: 'now, if it is no date', value: '{"ingestedAt":"yesterday"}', expected: now },
  ])('is $name', ({ value, expected }) => {
    expect(replacementTimestamp(Buffer.from(value), now)).toBe(expected);
  });
});

describe('parseValue', () => {
  it.each(['[]', '1', 'null', '"text"', ''])('gives null for %s', (value) => {
    expect(parseValue(Buffer.from(value))).toBeNull();
  });
});
