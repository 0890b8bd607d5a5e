import { describe, expect, it } from 'vitest';
import { accountOf, type Letter } from './account.ts';
import { type Outcome, verdict } from './drill.ts';
import { writeSection } from './reliability-page.ts';
import { lineOf, tableOf } from './report.ts';

const topics = { firms: 'fires', purpleair: 'sensors', alert: 'alerts', device: 'devices' };
const letter: Letter = { sourceId: 'fires', code: 'record_too_large', reason: 'too large', naturalKey: null };

/** Nothing served, nothing stored. */
const nothing = accountOf({ ledger: { served: () => [], offered: () => [] }, stored: [], letters: [], topics });

describe('the verdict on a drill', () => {
  it.each([
    { name: 'a clean account passes', account: nothing, doubled: 0, found: [] },
    {
      name: 'a missing record fails',
      account: { ...nothing, missing: 1 },
      doubled: 9,
      found: ['1 records are missing'],
    },
    { name: 'as many doubles as were in flight pass', account: { ...nothing, doubled: 3 }, doubled: 3, found: [] },
    {
      name: 'one double more fails',
      account: { ...nothing, doubled: 4 },
      doubled: 3,
      found: ['4 records are doubled, allowed are 3'],
    },
    {
      name: 'a wrong record fails',
      account: { ...nothing, wrong: 2 },
      doubled: 0,
      found: ['2 records are foreign, misplaced or different'],
    },
    {
      name: 'a letter that nobody expected fails',
      account: { ...nothing, letters: [letter] },
      doubled: 0,
      found: ['1 dead letters, the first: record_too_large: too large'],
    },
  ])('$name', ({ account, doubled, found }) => {
    expect(verdict(account, { doubled })).toEqual(found);
  });

  it('leaves letters to a drill that expects them, and adds what the drill saw itself', () => {
    const account = { ...nothing, letters: [letter] };
    expect(verdict(account, { doubled: 0, judgeLetters: () => [], problems: ['too slow'] })).toEqual(['too slow']);
  });
});

const outcome: Outcome = {
  name: 'broker-kill',
  title: 'the broker is killed',
  account: { ...nothing, served: 12_345, published: 12_345, doubled: 7 },
  recovery: { firstMs: 1_234, drainedMs: null },
  allowed: 500,
  note: null,
  problems: [],
  seconds: 12,
};

describe('the report', () => {
  it('is a line per drill, with what went wrong below it', () => {
    expect(lineOf(outcome)).toBe(
      'ok     broker-kill: served 12,345  published 12,345  letters 0  missing 0  doubled 7 (at most 500)  first ack 1.2 s  drained –  (12 s)',
    );
    expect(lineOf({ ...outcome, account: null, problems: ['it burnt'] })).toBe(
      'FAILED broker-kill: no account  (12 s)\n       it burnt',
    );
  });

  it('is a table with its command', () => {
    const frame = { date: '2026-11-24', client: 'kafkajs', machine: '2 shared cores', command: 'npm run drills' };
    const table = tableOf([outcome, { ...outcome, account: null, problems: ['it burnt\nat length'] }], frame);
    expect(table).toContain('`npm run drills`, 2026-11-24, 2 shared cores, `kafka.client: kafkajs`:');
    expect(table).toContain('| `broker-kill` | the broker is killed | 12,345 | 12,345 | 0 | 0 | 7 | 1.2 s | – |');
    expect(table).toContain('**failed: it burnt** | – |');
  });

  it('replaces the rows of the drills that were run in the page, and nothing else', () => {
    const mark = (client: string): string => `<!-- drills ${client}: written by npm run drills -- --write -->`;
    const names = ['first', 'second', 'third'];
    const tableWith = (...rows: readonly string[]): string => ['head', '|---|', ...rows, ''].join('\n');
    const page = `A\n${mark('kafkajs')}\n<!-- end of drills -->\nB\n${mark('platformatic')}\n<!-- end of drills -->\n`;
    const whole = writeSection(page, 'platformatic', tableWith('| `second` | b |', '| `first` | a |'), names);
    expect(whole).toBe(
      page.replace(
        `${mark('platformatic')}\n`,
        `${mark('platformatic')}\nhead\n|---|\n| \`first\` | a |\n| \`second\` | b |\n`,
      ),
    );
    const again = writeSection(whole, 'platformatic', tableWith('| `second` | new |', '| `gone` | c |'), names);
    expect(again).toBe(whole.replace('| b |', '| new |'));
    expect(() => writeSection(page, 'other', 'new', names)).toThrow('no marks for other');
  });
});
