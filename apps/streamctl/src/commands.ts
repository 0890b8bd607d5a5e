// The commands of this tool, in the order in which the overview shows them.
import { setTimeout as sleep } from 'node:timers/promises';
import { backfillUsage, cancelBackfill, listBackfills, requestBackfill } from './backfill/command.ts';
import { readTimes } from './backfill/times.ts';
import type { Command } from './command.ts';
import { deadLetters, deadLettersUsage } from './dead-letters/command.ts';
import { createLettersApi } from './dead-letters/letters-api.ts';
import type { LetterCommand } from './dead-letters/options.ts';
import { lag, lagUsage, readLagOptions } from './lag.ts';
import { createOperatorApi } from './operator-api.ts';
import { noWords, type OptionTable, oneSource, parseOptions } from './parse-options.ts';
import { pollNow, pollUsage } from './poll.ts';
import {
  type CursorOptions,
  cursorUsage,
  readCursorChange,
  resetCursor,
  setCursor,
  showCursor,
} from './sources/cursor.ts';
import { listSources, sourcesListUsage } from './sources/list.ts';
import { configTestUsage, sourcesInitUsage, sourcesTestUsage } from './sources/usage.ts';
import { status, statusUsage } from './status.ts';
import { readTapOptions, tap, tapUsage } from './tap.ts';
import type { CommandContext } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const letterCommand = (word: LetterCommand, takes: string | undefined, summary: string): Command => ({
  name: `dead-letters ${word}`,
  ...(takes === undefined ? {} : { takes }),
  summary,
  usage: deadLettersUsage,
  run: (args, context) => deadLetters(async () => createLettersApi(await context.findApi()), word, args, context),
});

const json = { json: { type: 'boolean', default: false } } as const satisfies OptionTable;

const operatorApi = async (context: CommandContext) => createOperatorApi(await context.findApi());

/** Between two tries to tap again, in milliseconds. */
const tapAgainMs = 2_000;

const readVersion = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--version: expected the number that show prints, not "${text}"`);
  return Number(text);
};

const cursorOptions = (
  sourceId: string,
  values: { readonly json: boolean; readonly version?: string | undefined },
): CursorOptions => ({ sourceId, json: values.json, version: readVersion(values.version) });

/** `now` may be left out, also before a source of that name. */
const withoutNow = (words: readonly string[]): readonly string[] =>
  words[0] === 'now' && words.length > 1 ? words.slice(1) : words;

/** The table. */
export const commands: readonly Command[] = [
  {
    name: 'status',
    summary: 'every stream and every process, once',
    usage: statusUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, json);
      noWords('status', positionals);
      context.out(await status(await context.findApi(), values));
      return 0;
    },
  },
  {
    name: 'lag',
    takes: '[SOURCE]',
    summary: 'consumer groups, their lag and its trend; what the throttle does, and why',
    usage: lagUsage,
    run: async (args, context) => {
      const options = readLagOptions(args);
      context.out(await lag(await context.findApi(), { ...options, width: context.width }));
      return 0;
    },
  },
  letterCommand('list', undefined, 'what could not be published, and why'),
  letterCommand('show', 'ID', 'one letter in full'),
  letterCommand('replay', '…', 'sends letters again'),
  letterCommand('discard', '…', 'removes letters for good'),
  {
    name: 'sources list',
    summary: 'every source: when it is polled, where, under which limits, and what is odd about it',
    usage: sourcesListUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, json);
      noWords('sources list', positionals);
      context.out(await listSources(await operatorApi(context), { ...values, now: Date.now(), width: context.width }));
      return 0;
    },
  },
  {
    name: 'sources cursor show',
    takes: 'SOURCE',
    summary: 'from where its next poll goes on',
    usage: cursorUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, json);
      return showCursor(await operatorApi(context), cursorOptions(oneSource(positionals), values), context);
    },
  },
  {
    name: 'sources cursor set',
    takes: 'SOURCE …',
    summary: 'another value, or the time from which on the next poll asks',
    usage: cursorUsage,
    run: async (args, context) => {
      const options = { ...json, until: { type: 'string' }, version: { type: 'string' } } as const;
      const { values, positionals } = parseOptions(args, options);
      const [sourceId, value, ...others] = positionals;
      if (others.length > 0) throw new UsageError(`expected one value: put it in quotes if it has spaces`);
      const change = readCursorChange(value, values.until);
      const of = cursorOptions(oneSource(sourceId === undefined ? [] : [sourceId]), values);
      return setCursor(await operatorApi(context), { ...of, change }, context);
    },
  },
  {
    name: 'sources cursor reset',
    takes: 'SOURCE',
    summary: 'its next poll begins as the first one did',
    usage: cursorUsage,
    run: async (args, context) => {
      const options = { ...json, yes: { type: 'boolean', default: false }, version: { type: 'string' } } as const;
      const { values, positionals } = parseOptions(args, options);
      const of = cursorOptions(oneSource(positionals), values);
      return resetCursor(await operatorApi(context), { ...of, yes: values.yes }, context);
    },
  },
  {
    name: 'sources test',
    takes: 'SOURCE',
    summary: 'polls a source once, touching no queue, and shows what would become of its rows',
    usage: sourcesTestUsage,
    run: async (args, context) => (await import('./sources/test.ts')).testSource(args, context),
  },
  {
    name: 'sources init',
    takes: 'TYPE',
    summary: 'a commented config of one source to start from',
    usage: sourcesInitUsage,
    run: async (args, context) => {
      context.out((await import('./sources/init.ts')).initSource(args));
      return 0;
    },
  },
  {
    name: 'poll',
    takes: '[now] SOURCE',
    summary: 'polls a source as soon as a poller is free',
    usage: pollUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, json);
      const sourceId = oneSource(withoutNow(positionals));
      context.out(await pollNow(await operatorApi(context), { sourceId, ...values }));
      return 0;
    },
  },
  {
    name: 'backfill',
    takes: 'SOURCE …',
    summary: 'fetches the past of a source, with its progress if you wait',
    usage: backfillUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, {
        ...json,
        from: { type: 'string' },
        to: { type: 'string' },
        wait: { type: 'boolean', default: false },
      });
      const sourceId = oneSource(positionals);
      const times = readTimes(values.from, values.to, Date.now());
      return requestBackfill(await operatorApi(context), { ...values, ...times, sourceId }, context);
    },
  },
  {
    name: 'backfill list',
    takes: 'SOURCE',
    summary: 'its backfills, the newest first',
    usage: backfillUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, json);
      const sourceId = oneSource(positionals);
      context.out(await listBackfills(await operatorApi(context), { sourceId, ...values }));
      return 0;
    },
  },
  {
    name: 'backfill cancel',
    takes: 'SOURCE ID',
    summary: 'takes one back; what is in the queues stays there',
    usage: backfillUsage,
    run: async (args, context) => {
      const { positionals } = parseOptions(args, {});
      const [sourceId, backfillId, ...others] = positionals;
      if (sourceId === undefined || backfillId === undefined || others.length > 0)
        throw new UsageError('name a source and one of its backfills, as `backfill list` shows it');
      context.out(await cancelBackfill(await operatorApi(context), { sourceId, backfillId }));
      return 0;
    },
  },
  {
    name: 'tap',
    takes: 'SOURCE …',
    summary: 'records of a source as they pass, live: after parse, dedupe or route',
    usage: tapUsage,
    run: async (args, context) => {
      const { values, positionals } = parseOptions(args, { after: { type: 'string' }, limit: { type: 'string' } });
      const options = readTapOptions(oneSource(positionals), values);
      const api = await operatorApi(context);
      const { out, drained, notice, signal } = context;
      // An abort only ends the pause early; whoever paused looks at the signal.
      const pause = () => sleep(tapAgainMs, undefined, { signal }).catch(() => {});
      await tap({ api, out, drained, notice, pause, signal, now: Date.now }, options);
      return 0;
    },
  },
  {
    name: 'config test',
    takes: '[SOURCE …]',
    summary: 'checks the config, and what sources make of the answers that were saved beside it',
    usage: configTestUsage,
    run: async (args, context) => (await import('./config/test.ts')).testConfig(args, context),
  },
];
