import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant } from '../../src/sources/instants.ts';

describe('parseInstant', () => {
  it.each([
    { text: '2025-01-04T09:02:00+00:00', iso: '2025-01-04T09:02:00.000Z' },
    { text: '2025-01-04T01:02:00-08:00', iso: '2025-01-04T09:02:00.000Z' },
    { text: '2025-01-04T01:02:00-0800', iso: '2025-01-04T09:02:00.000Z' },
    { text: '2025-01-04T09:02Z', iso: '2025-01-04T09:02:00.000Z' },
    { text: '2025-01-04T09:02:00.123456Z', iso: '2025-01-04T09:02:00.123Z' },
    { text: '2024-02-29T00:00:00Z', iso: '2024-02-29T00:00:00.000Z' },
    { text: '2025-02-29T00:00:00Z', iso: null },
    { text: '2025-04-31T00:00:00Z', iso: null },
    { text: '2025-13-01T00:00:00Z', iso: null },
    { text: '2025-01-04T25:00:00Z', iso: null },
    { text: '2025-01-04T09:02:00', iso: null },
    { text: '2025-01-04', iso: null },
    { text: '1969-12-31T23:59:59Z', iso: null },
    { text: '1970-01-01T00:00:00+08:00', iso: null },
    { text: '9999-12-31T23:59:59-08:00', iso: null },
    { text: 'shortly after noon', iso: null },
    { text: '', iso: null },
  ])('reads "$text" as $iso', ({ text, iso }) => {
    const ms = parseInstant(text);
    expect(ms === null ? null : new Date(ms).toISOString()).toBe(iso);
  });

  it('reads every time that JavaScript prints, from 1970 on', () => {
    const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(times, (time) => {
        expect(parseInstant(time.toISOString())).toBe(time.getTime());
      }),
    );
  });
});
