// Outcomes as text: a line per drill in the terminal, a table for docs/reliability.md. Pure.
import type { Outcome } from './drill.ts';

const number = (value: number): string => value.toLocaleString('en-US');
const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1_000).toFixed(1)} s`);

/** One line; below it what was wrong. */
export const lineOf = (outcome: Outcome): string => {
  const { account, recovery, problems } = outcome;
  const counts =
    account === null
      ? 'no account'
      : `served ${number(account.served)}  published ${number(account.published)}  letters ${number(account.letters.length)}  ` +
        `missing ${number(account.missing)}  doubled ${number(account.doubled)} (at most ${number(outcome.allowed)})  ` +
        `first ack ${seconds(recovery.firstMs)}  drained ${seconds(recovery.drainedMs)}`;
  const note = outcome.note === null ? '' : `  [${outcome.note}]`;
  const head = `${problems.length === 0 ? 'ok    ' : 'FAILED'} ${outcome.name}: ${counts}${note}  (${Math.round(outcome.seconds)} s)`;
  return [head, ...problems.map((problem) => `       ${problem}`)].join('\n');
};

export interface TableFrame {
  /** ISO date. */
  readonly date: string;
  readonly client: string;
  /** In words. */
  readonly machine: string;
  readonly command: string;
}

const columns = ['served', 'published', 'dead letters', 'missing', 'doubled', 'first acknowledged', 'drained'] as const;

/** The section of one client: its command, and a row per drill. */
export const tableOf = (outcomes: readonly Outcome[], frame: TableFrame): string => {
  const rows = outcomes.map(({ account, recovery, title, name, note, problems }) => {
    const cells =
      account === null
        ? columns.map(() => '–')
        : [
            number(account.served),
            number(account.published),
            number(account.letters.length),
            number(account.missing),
            number(account.doubled),
            seconds(recovery.firstMs),
            seconds(recovery.drainedMs),
          ];
    const failed = problems.length === 0 ? '' : ` **failed: ${problems[0]?.split('\n')[0]}**`;
    return `| \`${name}\` | ${title}${note === null ? '' : ` (${note})`}${failed} | ${cells.join(' | ')} |`;
  });
  return [
    `\`${frame.command}\`, ${frame.date}, ${frame.machine}, \`kafka.client: ${frame.client}\`:`,
    '',
    `| drill | what is done | ${columns.join(' | ')} |`,
    `|---|---|${columns.map(() => '---:').join('|')}|`,
    ...rows,
    '',
  ].join('\n');
};
