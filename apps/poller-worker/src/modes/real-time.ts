// Mode real-time: polled every 30 s unless the source says otherwise. Ticks that come while it is polled, or while its poll
// waits, are one poll at the next tick. What came while nobody could poll is asked for, too: fresh is no reason to lose.
import type { Mode } from '@stream-manager/shared/extensions/mode';
import { sinceLastPass } from './since-last-pass.ts';

export const realTime: Mode = {
  name: 'real-time',
  defaultEveryMs: 30_000,
  missedTicks: 'next_tick',
  windowOf: sinceLastPass,
};
