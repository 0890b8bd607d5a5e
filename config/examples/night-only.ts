// An example of a mode of your own: polls at night only (20:00 to 06:00 in Los Angeles), and never asks for more than the
// last two days. docs/adding-a-mode.md goes through it; config/examples/own.yaml runs it.
import type { Mode } from '../../packages/shared/src/extensions/mode.ts';

const hour = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', hour: '2-digit', hourCycle: 'h23' });
const longestMs = 2 * 86_400_000;

const nightOnly: Mode = {
  name: 'night-only',
  defaultEveryMs: 10 * 60_000,
  isDue: ({ scheduledFor }) => {
    const now = Number(hour.format(scheduledFor));
    return now >= 20 || now < 6;
  },
  windowOf: ({ scheduledFor, cursorUntilMs }) => ({
    sinceMs: cursorUntilMs === null ? null : Math.min(scheduledFor, Math.max(cursorUntilMs, scheduledFor - longestMs)),
    untilMs: scheduledFor,
  }),
};

export default nightOnly;
