// Mode batch: polled at times that stand fast, an interval or a cron expression, whatever a poll takes. Each pass asks for
// what has come since the last one that was finished, so after an outage of a day the next pass asks for that day.
import type { Mode } from '@stream-manager/shared/extensions/mode';
import { sinceLastPass } from './since-last-pass.ts';

export const batch: Mode = {
  name: 'batch',
  defaultEveryMs: 3_600_000,
  missedTicks: 'next_tick',
  windowOf: sinceLastPass,
};
