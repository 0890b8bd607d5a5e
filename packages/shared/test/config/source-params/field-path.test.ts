import { parsePath } from '@stream-manager/shared/config/source-params/field-path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('a path', () => {
  it.each([
    { text: '$', steps: [] },
    { text: 'id', steps: ['id'] },
    { text: 'properties.mag', steps: ['properties', 'mag'] },
    { text: '$.properties.mag', steps: ['properties', 'mag'] },
    { text: '$type', steps: ['$type'] },
    { text: '$[0].a', steps: [0, 'a'] },
    { text: '[0]', steps: [0] },
    { text: 'readings[-1].value', steps: ['readings', -1, 'value'] },
    { text: 'a[0][1]', steps: ['a', 0, 1] },
    { text: '["pm2.5"]', steps: ['pm2.5'] },
    { text: "values['pm2.5'].now", steps: ['values', 'pm2.5', 'now'] },
    { text: String.raw`["say \"hi\""]`, steps: ['say "hi"'] },
    { text: 'Wind Speed (mph)', steps: ['Wind Speed (mph)'] },
    { text: '@timestamp', steps: ['@timestamp'] },
    { text: '__proto__.x', steps: ['__proto__', 'x'] },
  ])('$text has its steps', ({ text, steps }) => {
    expect(parsePath(text)).toEqual(steps);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 'a[', 'a[x]', 'a]', 'a["x]', '$$.[', ' a', 'a .b', 'a[0]b', '["a"]b', '$.'])(
    '%j is none',
    (text) => {
      expect(parsePath(text)).toBeNull();
    },
  );

  it('is read from any name in quotes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (names) => {
        const text = names.map((name) => `["${name.replace(/["\\]/g, '\\$&')}"]`).join('');
        expect(parsePath(text)).toEqual(names);
      }),
    );
  });

  it('ends, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const steps = parsePath(text);
        expect(steps === null || steps.length <= 32).toBe(true);
      }),
    );
  });
});
