import { describe, expect, it } from 'vitest';
import { chosenSources } from '../src/chosen-sources.ts';

describe('chosenSources', () => {
  it.each([
    { name: 'all without SOURCES', wanted: undefined, expected: ['a', 'b', 'c'] },
    { name: 'all with an empty one', wanted: ' , ', expected: ['a', 'b', 'c'] },
    { name: 'those it names, in the order of the config', wanted: 'c, a', expected: ['a', 'c'] },
  ])('gives $name', ({ wanted, expected }) => {
    expect(chosenSources(['a', 'b', 'c'], wanted)).toEqual(expected);
  });

  it('refuses a name that the config does not have', () => {
    expect(() => chosenSources(['a', 'b'], 'a,x,y')).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('"x", "y"') }),
    );
  });
});
