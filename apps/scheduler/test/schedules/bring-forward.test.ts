import { describe, expect, it } from 'vitest';
import { roomWaitMs } from '../../src/schedules/bring-forward.ts';

describe('a poll that found no room', () => {
  const now = Date.parse('2026-05-01T12:00:30Z');
  it('waits a period at most', () => {
    expect(roomWaitMs({ repeat: { every: 60_000, offset: 1 } }, now)).toBe(60_000);
  });
  it('waits until the next time of a cron expression', () => {
    const pattern = '0 6 * * *';
    expect(roomWaitMs({ repeat: { pattern, tz: 'Asia/Tokyo' } }, now)).toBe(
      Date.parse('2026-05-02T06:00:00+09:00') - now,
    );
  });
});
