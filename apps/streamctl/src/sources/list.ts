// `streamctl sources list`: every source, when it is polled and under which limits, and what is odd about it.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { jsonText } from '../json-text.ts';
import { amount, span } from '../lag-words.ts';
import { shortenNames } from '../narrow.ts';
import type { OperatorApi } from '../operator-api.ts';
import { plainText } from '../plain-text.ts';
import { type Column, renderTable } from '../table.ts';

export const sourcesListUsage = `npm run streamctl -- sources list [--json]
  every source: when it is polled, where, under which limits, and what is odd about it

  --json   the same as JSON on standard output

PROVIDER    host and port that is asked; "(open)" while its breaker keeps polls from it
NEXT POLL   the next tick, or until when the poll that there is waits, and for what
CONDITIONS  answers_but_stale: the provider answers, but with old observations; row_count_unusual: far from what is usual
LIMIT/MIN   requests a minute, as configured
BUDGET/DAY  dailyBudget in the provider's own unit, and what of it the day has cost so far
`;

const everyWords = ({ schedule }: StreamAnswer): string => {
  if (schedule === null) return 'comes by itself';
  if (schedule.everyMs !== null) return span(schedule.everyMs / 1_000);
  return `${schedule.cron ?? ''} ${schedule.tz ?? ''}`;
};

const nextWords = ({ nextPollAt, pollDelayed }: StreamAnswer, now: number): string => {
  const at = pollDelayed?.until ?? nextPollAt;
  if (at === null) return '–';
  const seconds = (Date.parse(at) - now) / 1_000;
  const when = seconds > 0 ? `in ${span(seconds)}` : 'due';
  return pollDelayed === null ? when : `${when}, waits: ${pollDelayed.by.replace('_', ' ')}`;
};

const providerWords = ({ provider }: StreamAnswer): string => {
  if (provider === null) return '–';
  return provider.breaker === 'closed' ? provider.host : `${provider.host} (${provider.breaker.replace('_', ' ')})`;
};

const budgetWords = ({ id, limits }: StreamAnswer, used: ReadonlyMap<string, number>): string => {
  const perDay = limits?.dailyBudget ?? null;
  if (perDay === null) return '–';
  const spent = used.get(id);
  return spent === undefined ? amount(perDay) : `${amount(spent)} of ${amount(perDay)}`;
};

const columns: readonly Column[] = [
  { title: 'SOURCE' },
  { title: 'PROVIDER' },
  { title: 'TYPE' },
  { title: 'MODE' },
  { title: 'EVERY', isNumber: true },
  { title: 'NEXT POLL' },
  { title: 'STATE' },
  { title: 'CONDITIONS' },
  { title: 'LIMIT/MIN', isNumber: true },
  { title: 'BUDGET/DAY', isNumber: true },
];
const nameColumns = 2;
/** Columns that go where the terminal is too narrow, in this order. */
const expendable = ['LIMIT/MIN', 'MODE', 'TYPE', 'EVERY'];

interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

const withoutColumns = ({ columns, rows }: Table, goes: (title: string, index: number) => boolean): Table => ({
  columns: columns.filter(({ title }, index) => !goes(title, index)),
  rows: rows.map((row) => row.filter((_cell, index) => !goes(columns[index]?.title ?? '', index))),
});

/** The table as it fits: first without columns that say nothing, then without those that can be done without. */
const fitting = (whole: Table, width: number): string => {
  let table = withoutColumns(whole, (_title, index) => whole.rows.every((row) => row[index] === '–'));
  const gone: string[] = [];
  for (const title of expendable) {
    const widest = Math.max(
      ...renderTable(table.columns, table.rows)
        .split('\n')
        .map((line) => line.length),
    );
    if (widest <= width) break;
    if (table.columns.some((column) => column.title === title)) gone.push(title);
    table = withoutColumns(table, (name) => name === title);
  }
  const text = renderTable(table.columns, shortenNames(table.columns, table.rows, { names: nameColumns, width }));
  return gone.length === 0 ? text : `${text}\n(no room for ${gone.join(', ')}: --json has all)`;
};

/** The text for people. `now`: milliseconds since the epoch; `width`: null = nothing is shortened. Pure. */
export const renderSources = (
  streams: readonly StreamAnswer[],
  options: { readonly used: ReadonlyMap<string, number>; readonly now: number; readonly width: number | null },
): string => {
  if (streams.length === 0) return 'there are no sources\n';
  const rows = streams.map((stream) => [
    stream.id,
    providerWords(stream),
    stream.type,
    stream.mode,
    everyWords(stream),
    nextWords(stream, options.now),
    stream.degraded === null ? stream.state : `${stream.state}, degraded`,
    stream.conditions.map(({ state }) => state).join(', ') || '–',
    stream.limits === null ? '–' : amount(stream.limits.requestsPerMinute),
    budgetWords(stream, options.used),
  ]);
  const { width } = options;
  const table = width === null ? renderTable(columns, rows) : fitting({ columns, rows }, width);
  const sentences = streams.flatMap(({ id, conditions }) =>
    conditions.map(({ state, since, message }) => `! ${id} ${state} since ${since}: ${plainText(message)}`),
  );
  return `${[table, ...(sentences.length === 0 ? [] : ['', ...sentences])].join('\n')}\n`;
};

/** Asks the API and gives the text to print. */
export const listSources = async (
  api: Pick<OperatorApi, 'streams' | 'budgetsUsed'>,
  options: { readonly json: boolean; readonly now: number; readonly width: number | null },
): Promise<string> => {
  const streams = await api.streams();
  // To ask the whole fleet for its metrics takes a moment.
  const hasBudget = streams.some(({ limits }) => (limits?.dailyBudget ?? null) !== null);
  const used = hasBudget ? await api.budgetsUsed() : new Map<string, number>();
  if (!options.json) return renderSources(streams, { ...options, used });
  const sources = streams.map((stream) => {
    const { id, type, mode, state, degraded, schedule, nextPollAt, pollDelayed, lastPoll, provider, limits } = stream;
    const { conditions, newestObservationAt, cursor } = stream;
    const of = { id, type, mode, state, degraded, schedule, nextPollAt, pollDelayed, lastPoll, provider };
    return { ...of, limits, budgetUsed: used.get(id) ?? null, conditions, newestObservationAt, cursor };
  });
  return jsonText({ sources });
};
