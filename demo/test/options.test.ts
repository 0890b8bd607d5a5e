import { describe, expect, it } from 'vitest';
import { parseOptions } from '../src/options.ts';

describe('the options of npm start', () => {
  it('has a default for each', () => {
    expect(parseOptions([])).toEqual({ configPath: null, forMs: null, fresh: false, open: true, seed: null });
  });

  it('reads each', () => {
    const args = ['--config', 'my.yaml', '--for', '90s', '--fresh', '--no-open', '--seed', '7'];
    expect(parseOptions(args)).toEqual({ configPath: 'my.yaml', forMs: 90_000, fresh: true, open: false, seed: 7 });
  });

  it.each([
    { args: ['--for', 'soon'], text: /--for is "soon"/ },
    { args: ['--seed', 'x'], text: /--seed is "x"/ },
    { args: ['--unknown'], text: /unknown/i },
    { args: ['file'], text: /file/ },
  ])('refuses $args', ({ args, text }) => {
    expect(() => parseOptions(args)).toThrow(text);
  });

  it('knows --help', () => {
    expect(parseOptions(['--help'])).toBe('help');
  });
});
