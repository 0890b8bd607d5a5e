import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { configSchema } from '@stream-manager/shared/config/schema';
import { describe, expect, it } from 'vitest';
import { isScheduled, type Schedule, scheduleOf } from '../../src/schedules/wanted-schedules.ts';

const sourceOf = (entry: Readonly<Record<string, unknown>>) =>
  resolveSource(configSchema.parse({ sources: { one: entry } }), 'one');

const metar = (timing: Readonly<Record<string, unknown>>): Schedule =>
  scheduleOf(sourceOf({ type: 'metar', params: { stations: ['KLAX'] }, ...timing }));

describe('the schedule of a source', () => {
  it.each([
    { name: 'batch', timing: { mode: 'batch' }, every: 3_600_000 },
    { name: 'batch of a minute', timing: { mode: 'batch', every: '60s' }, every: 60_000 },
    { name: 'real-time', timing: { mode: 'real-time' }, every: 30_000 },
    { name: 'continuous', timing: { mode: 'continuous' }, every: 1_000 },
    { name: 'continuous of 3 s', timing: { mode: 'continuous', every: '3s' }, every: 3_000 },
    { name: 'a mode of one’s own', timing: { mode: './mine.ts', every: '10m' }, every: 600_000 },
  ])('in mode $name is every $every ms, from a place of the period that hangs on its id only', ({ timing, every }) => {
    const { repeat } = metar(timing);
    expect(repeat).toEqual({ every, offset: expect.any(Number) });
    expect(metar(timing).repeat).toEqual(repeat);
    const offset = 'offset' in repeat ? repeat.offset : 0;
    expect(offset).toBeGreaterThanOrEqual(1);
    expect(offset).toBeLessThanOrEqual(every);
  });

  it('is its cron expression in its time zone, in any mode', () => {
    for (const mode of ['batch', 'real-time', 'continuous', './mine.ts'])
      expect(metar({ mode, cron: '15 2 * * *', tz: 'America/Los_Angeles' }).repeat).toEqual({
        pattern: '15 2 * * *',
        tz: 'America/Los_Angeles',
      });
  });

  it.each([
    { type: 'mqtt', params: { url: 'mqtt://broker.test', topics: ['a'] }, isOne: false },
    { type: 'push', params: { token: 'a-token-of-24-characters' }, isOne: false },
    { type: 'custom', params: { module: './mine.ts' }, isOne: true },
    { type: 'metar', params: { stations: ['KLAX'] }, isOne: true },
  ])('of type $type: there is one: $isOne', ({ type, params, isOne }) => {
    expect(isScheduled(sourceOf({ type, params }))).toBe(isOne);
  });
});
