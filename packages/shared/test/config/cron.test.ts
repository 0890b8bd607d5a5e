import { readCron } from '@stream-manager/shared/config/cron';
import { describe, expect, it } from 'vitest';

const minute = 60_000;
const day = 86_400_000;

describe('readCron', () => {
  it.each([
    { cron: '*/15 * * * *', gap: 15 * minute },
    { cron: '* * * * *', gap: minute },
    { cron: '*/10 * * * * *', gap: 10_000 },
    { cron: '0 0 * * *', gap: day },
    { cron: '0 0 1 1 *', gap: day },
    { cron: '0,20 6 * * *', gap: 20 * minute },
    { cron: '*/7 * * * *', gap: 4 * minute },
    { cron: '50 23 * * *', gap: day },
    { cron: '0 23,0 * * *', gap: 60 * minute },
    { cron: '5-10 * * * mon-fri', gap: minute },
    { cron: '0 */6 * jan,JUL ?', gap: 360 * minute },
    { cron: '10/20 * * * 7', gap: 20 * minute },
    { cron: '  0   12  *  *  * ', gap: day },
    { cron: '0 0 31 2 1', gap: day },
    { cron: '0 0 29 2 *', gap: day },
  ])('reads $cron', ({ cron, gap }) => {
    expect(readCron(cron)).toEqual({ ok: true, shortestGapMs: gap });
  });

  it.each([
    { cron: '', says: 'five fields' },
    { cron: '* * * *', says: 'five fields' },
    { cron: '* * * * * * *', says: 'five fields' },
    { cron: '60 * * * *', says: 'wrong minute: "60" is not from 0 to 59' },
    { cron: '* 24 * * *', says: 'wrong hour' },
    { cron: '* * 0 * *', says: 'wrong day of month' },
    { cron: '* * * 13 *', says: 'wrong month' },
    { cron: '* * * foo *', says: 'wrong month' },
    { cron: '* * * * 8', says: 'wrong day of week' },
    { cron: '30-10 * * * *', says: 'runs backwards' },
    { cron: '*/0 * * * *', says: 'step of 0' },
    { cron: '*-5 * * * *', says: 'not from' },
    { cron: '1,,2 * * * *', says: 'none of' },
    { cron: '* * L * *', says: 'wrong day of month' },
    { cron: '* * * * 1#2', says: 'wrong day of week' },
    { cron: '@hourly', says: 'five fields' },
    { cron: '0 0 31 2 *', says: 'never comes' },
    { cron: '0 0 30 2 *', says: 'never comes' },
    { cron: '0 0 31 4,6,9,11 *', says: 'never comes' },
  ])('refuses $cron', ({ cron, says }) => {
    const facts = readCron(cron);
    expect(facts.ok).toBe(false);
    expect(facts.ok ? '' : facts.reason).toContain(says);
  });
});
