import { describe, expect, it } from 'vitest';
import { createSendBucket, type Leave } from '../../src/fleet-simulation/send-bucket.ts';

/** Records that are sent from one time to another by somebody who asks every 50 ms for batches of 500. */
function sent(leaveAt: (nowMs: number) => Leave, toMs: number): number {
  const bucket = createSendBucket();
  let records = 0;
  for (let nowMs = 50; nowMs <= toMs; nowMs += 50) while (bucket.ask(nowMs, 500, leaveAt(nowMs))) records += 500;
  return records;
}

describe('leave to send', () => {
  it.each([10, 1_000, 20_000, 100_000])('keeps to a rate of %i records/s, but for one batch', (allowedRate) => {
    const minute = sent(() => ({ allowedRate, delayMs: 0 }), 60_000);
    expect(minute).toBeLessThanOrEqual(allowedRate * 60 + 0.05 * allowedRate + 500);
    expect(minute).toBeGreaterThanOrEqual(allowedRate * 60 - 500);
  });

  it('keeps a pause between two batches', () => {
    expect(sent(() => ({ allowedRate: 100_000, delayMs: 5_000 }), 60_000)).toBe(12 * 500);
  });

  it('is paid off quickly when the rate rises', () => {
    const risen = sent((nowMs) => ({ allowedRate: nowMs < 1_000 ? 10 : 10_000, delayMs: 0 }), 2_000);
    expect(risen).toBeGreaterThan(9_000);
  });
});
