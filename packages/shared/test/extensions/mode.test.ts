import { modeFault } from '@stream-manager/shared/extensions/mode';
import { describe, expect, it } from 'vitest';

const windowOf = (): unknown => ({ sinceMs: null, untilMs: 0 });
const whole = { name: 'mine', windowOf };

describe('a mode of the user’s own', () => {
  it.each([
    { name: 'name and windowOf only', value: whole },
    {
      name: 'everything',
      value: {
        ...whole,
        defaultEveryMs: 1_000,
        missedTicks: 'at_once',
        buffer: { records: 1, ms: 1 },
        isDue: () => true,
      },
    },
    { name: 'more than the port knows', value: { ...whole, note: 'kept' } },
  ])('is one with $name', ({ value }) => {
    expect(modeFault(value)).toBeNull();
  });

  it.each([
    { name: 'a function', value: () => whole, says: 'must be an object with name and windowOf, found function' },
    { name: 'nothing', value: null, says: 'must be an object' },
    { name: 'no name', value: { windowOf }, says: 'name must be a text' },
    { name: 'no windowOf', value: { name: 'mine' }, says: 'windowOf must be a function' },
    { name: 'isDue that is none', value: { ...whole, isDue: true }, says: 'isDue must be a function' },
    { name: 'a period under a second', value: { ...whole, defaultEveryMs: 10 }, says: 'defaultEveryMs must be' },
    { name: 'a period of text', value: { ...whole, defaultEveryMs: '10m' }, says: 'defaultEveryMs must be' },
    { name: 'ticks of another kind', value: { ...whole, missedTicks: 'queue' }, says: 'next_tick or at_once' },
    { name: 'a buffer without a bound', value: { ...whole, buffer: { records: 10 } }, says: 'buffer must be' },
  ])('is refused with $name', ({ value, says }) => {
    expect(modeFault(value)).toContain(says);
  });
});
