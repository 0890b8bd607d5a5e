import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimeReader } from '../../src/mapping/read-time.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const zone = 'America/Los_Angeles';

describe('times', () => {
  it.each([
    { format: 'iso8601', value: '2025-07-04T18:00:00Z', is: '2025-07-04T18:00:00.000Z' },
    { format: 'iso8601', value: '2025-07-04 18:00:00.123456+0200', is: '2025-07-04T16:00:00.123Z' },
    { format: 'iso8601', value: '2025-07-04T18:00:00', is: null },
    { format: 'iso8601', value: 1_751_652_000, is: null },
    { format: 'iso8601', timeZone: zone, value: '2025-07-04 11:00', is: '2025-07-04T18:00:00.000Z' },
    { format: 'iso8601', timeZone: zone, value: '2025-07-04T18:00:00Z', is: '2025-07-04T18:00:00.000Z' },
    { format: 'unix_s', value: 1_751_652_000, is: '2025-07-04T18:00:00.000Z' },
    { format: 'unix_s', value: ' 1751652000.5', is: '2025-07-04T18:00:00.500Z' },
    { format: 'unix_s', value: 1_751_652_000_000, is: null },
    { format: 'unix_s', value: '2025', is: '1970-01-01T00:33:45.000Z' },
    { format: 'unix_s', value: -1, is: null },
    { format: 'unix_s', value: true, is: null },
    { format: 'unix_ms', value: '1751652000000', is: '2025-07-04T18:00:00.000Z' },
    { format: 'YYYYMMDDHHmm', timeZone: 'UTC', value: 202_507_041_800, is: '2025-07-04T18:00:00.000Z' },
    { format: 'DD/MM/YYYY HH:mm:ss', timeZone: zone, value: '04/07/2025 11:00:00', is: '2025-07-04T18:00:00.000Z' },
    { format: 'MM/DD/YY HH:mm', timeZone: 'UTC', value: '07/04/25 18:00', is: '2025-07-04T18:00:00.000Z' },
    { format: 'YYMMDD', timeZone: 'UTC', value: '20250704', is: null },
    { format: 'DD/MM/YYYY', timeZone: 'UTC', value: '31/02/2025', is: null },
    { format: 'YYYY-MM-DD HH:mm', timeZone: 'UTC', value: '2025-07-04 24:00', is: null },
    { format: 'YYYY-MM-DD HH:mm', timeZone: 'UTC', value: '2025-07-04T18:00', is: null },
    // Clocks go from 01:59 to 03:00 in spring, and show 01:00 to 01:59 twice in autumn.
    { format: 'YYYY-MM-DD HH:mm', timeZone: zone, value: '2025-03-09 01:59', is: '2025-03-09T09:59:00.000Z' },
    { format: 'YYYY-MM-DD HH:mm', timeZone: zone, value: '2025-03-09 02:30', is: null },
    { format: 'YYYY-MM-DD HH:mm', timeZone: zone, value: '2025-03-09 03:00', is: '2025-03-09T10:00:00.000Z' },
    { format: 'YYYY-MM-DD HH:mm', timeZone: zone, value: '2025-11-02 01:30', is: '2025-11-02T08:30:00.000Z' },
    { format: 'YYYY-MM-DD HH:mm', timeZone: zone, value: '2025-11-02 02:00', is: '2025-11-02T10:00:00.000Z' },
    {
      format: 'YYYY-MM-DD HH:mm',
      timeZone: 'Asia/Kathmandu',
      value: '2025-07-04 05:45',
      is: '2025-07-04T00:00:00.000Z',
    },
  ])('$format: $value', ({ format, timeZone, value, is }) => {
    expect(iso(createTimeReader(format, timeZone).read(value))).toBe(is);
  });

  it('of a zone come back from the clock that shows them', () => {
    const reader = createTimeReader('YYYY-MM-DD HH:mm:ss', zone);
    const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    fc.assert(
      fc.property(fc.integer({ min: 100_000, max: 4_000_000_000 }), (seconds) => {
        const read = reader.read(clock.format(seconds * 1000)) ?? Number.NaN;
        // In the hour that is there twice, the first one.
        expect([0, 3_600_000]).toContain(seconds * 1000 - read);
      }),
    );
  });
});
