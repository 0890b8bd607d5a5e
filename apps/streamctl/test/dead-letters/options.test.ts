import { describe, expect, it } from 'vitest';
import { readLetterOptions } from '../../src/dead-letters/options.ts';

const now = Date.parse('2026-05-01T12:00:00.000Z');

describe('the options of dead-letters', () => {
  it('are all read', () => {
    const args = ['a', '--source=firms', '--code', 'too_large', '--since', '2h', '--limit', '5', '--rate', '10', 'b'];
    expect(readLetterOptions('discard', [...args, '--all', '--dry-run', '--yes', '--json'], now)).toEqual({
      selection: { source: 'firms', code: 'too_large', since: '2026-05-01T10:00:00.000Z' },
      ids: ['a', 'b'],
      all: true,
      limit: 5,
      rate: 10,
      dryRun: true,
      yes: true,
      json: true,
    });
  });

  it('take an id that begins with a hyphen for an id', () => {
    const id = '-mKaWUqKoD_JFK-e1jHNbw-6aa9ed-0';
    expect(readLetterOptions('show', [id], now).ids).toEqual([id]);
    expect(readLetterOptions('replay', ['--dry-run', id, 'b'], now)).toMatchObject({ ids: [id, 'b'], dryRun: true });
  });

  it('leave a time of since to the API', () => {
    expect(readLetterOptions('list', ['--since', '2026-05-01'], now).selection).toEqual({ since: '2026-05-01' });
  });

  it.each([
    { command: 'list' as const, args: ['a'], text: /Unexpected argument 'a'/ },
    { command: 'list' as const, args: ['--rate', '5'], text: /^dead-letters list has no --rate$/ },
    { command: 'replay' as const, args: ['--yes'], text: /^dead-letters replay has no --yes$/ },
    { command: 'replay' as const, args: ['--sorce', 'a'], text: /Unknown option '--sorce'/ },
    { command: 'replay' as const, args: ['--rate', '0'], text: /^--rate: expected a whole number from 1, not "0"$/ },
    { command: 'replay' as const, args: ['--limit', 'all'], text: /^--limit: expected a whole number/ },
  ])('refuse $command $args', ({ command, args, text }) => {
    expect(() => readLetterOptions(command, args, now)).toThrow(text);
  });
});
