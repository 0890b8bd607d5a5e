// Mode continuous: polled back to back. `every` (1 s or more) is the shortest time from the beginning of one poll to that of
// the next: a poll that takes longer is followed by the next one at once. The mode of mqtt and push, which gather as
// `buffer` says.
import { type Mode, usualBuffer } from '@stream-manager/shared/extensions/mode';
import { sinceLastPass } from './since-last-pass.ts';

export const continuous: Mode = {
  name: 'continuous',
  defaultEveryMs: 1_000,
  missedTicks: 'at_once',
  buffer: usualBuffer,
  windowOf: sinceLastPass,
};
