import { describe, expect, it } from 'vitest';
import { type Command, commandLines, findCommand, helpOf } from '../src/command.ts';
import { commands as table } from '../src/commands.ts';
import { parseOptions } from '../src/parse-options.ts';
import { UsageError } from '../src/usage-error.ts';

const command = (name: string, usage = `usage of ${name}\n`): Command => ({
  name,
  summary: `does ${name}`,
  usage,
  run: async () => 0,
});
const commands = [
  command('status'),
  command('backfill'),
  command('backfill list'),
  command('sources list'),
  command('sources cursor show'),
  command('letters list', 'shared\n'),
  command('letters show', 'shared\n'),
];

const found = (line: string) => {
  const result = findCommand(commands, line.split(' '));
  return result.kind === 'command'
    ? [result.command.name, ...result.args]
    : { help: result.commands.map(({ name }) => name) };
};

describe('finding a command', () => {
  it.each([
    { line: 'status --json', is: ['status', '--json'] },
    { line: 'backfill fires --from x', is: ['backfill', 'fires', '--from', 'x'] },
    { line: 'backfill list fires', is: ['backfill list', 'fires'] },
    { line: 'sources cursor show fires', is: ['sources cursor show', 'fires'] },
    { line: 'status --help', is: { help: ['status'] } },
    { line: 'backfill --help', is: { help: ['backfill', 'backfill list'] } },
    { line: 'backfill fires --help', is: { help: ['backfill'] } },
    { line: 'sources help', is: { help: ['sources list', 'sources cursor show'] } },
    { line: 'sources cursor --help', is: { help: ['sources cursor show'] } },
    { line: 'help', is: { help: commands.map(({ name }) => name) } },
  ])('reads "$line"', ({ line, is }) => {
    expect(found(line)).toEqual(is);
  });

  it.each([
    { line: 'statsu', text: 'there is no command "statsu"; did you mean status?' },
    { line: 'frobnicate', text: 'there is no command "frobnicate"; there are status, backfill, sources, letters' },
    { line: 'sources lsit', text: 'sources has no command "lsit"; did you mean list?' },
    { line: 'sources', text: 'name a command after sources: list, cursor' },
    { line: 'sources cursor', text: 'name a command after sources cursor: show' },
    { line: 'sources cursor gone', text: 'sources cursor has no command "gone"; there is show' },
  ])('says of "$line" what there is', ({ line, text }) => {
    expect(() => found(line)).toThrow(text);
  });

  it('shows of a group that was meant only its own commands', () => {
    const helpFor = (line: string): string | null => {
      try {
        found(line);
      } catch (error) {
        if (error instanceof UsageError) return error.help;
      }
      throw new Error(`${line} was found`);
    };
    expect(helpFor('letters lsit')).toBe('shared\n');
    expect(helpFor('sources')).toBe(helpOf(commands.slice(3, 5)));
    expect(helpFor('frobnicate')).toBeNull();
  });

  it('shows a line per command, or the usage that several share', () => {
    expect(commandLines(commands.slice(0, 2))).toBe('  status    does status\n  backfill  does backfill\n');
    expect(helpOf(commands.slice(5))).toBe('shared\n');
    expect(helpOf(commands.slice(3, 5))).toContain('  sources cursor show  does sources cursor show\n');
  });

  it('finds every command of this tool by its name, and only by that', () => {
    for (const { name } of table)
      expect(findCommand(table, name.split(' '))).toMatchObject({ kind: 'command', command: { name }, args: [] });
    expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
  });
});

describe('options', () => {
  it.each([
    { args: ['--form', '1'], text: 'there is no option --form; did you mean --from?' },
    { args: ['--xyz'], text: 'there is no option --xyz' },
    { args: ['--from'], text: /'--from <value>' argument missing/ },
  ])('refuse $args', ({ args, text }) => {
    expect(() => parseOptions(args, { from: { type: 'string' }, to: { type: 'string' } })).toThrow(text);
  });
});
