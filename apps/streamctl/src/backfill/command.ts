// `streamctl backfill SOURCE`, `backfill list` and `backfill cancel`: the past of a source.
import { setTimeout as sleep } from 'node:timers/promises';
import { findSource } from '../find-source.ts';
import { jsonText } from '../json-text.ts';
import type { OperatorApi } from '../operator-api.ts';
import { createProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { renderBackfills } from './list.ts';
import { watchBackfill } from './watch.ts';

export const backfillUsage = `npm run streamctl -- backfill SOURCE --from TIME [--to TIME] [--wait]
npm run streamctl -- backfill list SOURCE
npm run streamctl -- backfill cancel SOURCE ID
  fetches the past of a source, a slice at a time, beside its polls and under the same limits; what is known already is
  not published again

  --from TIME   2026-05-01, 2026-05-01T12:00:00Z, or 7d for seven days ago
  --to TIME     the same; not included, and not in the future (default: now)
  --wait        shows the progress until it is over; Ctrl-C ends the wait, not the backfill
  --json        the answer as JSON on standard output

Exit codes: 0 done, 1 it failed, was cancelled, or the wait was ended, 2 refused, wrong use or unreachable API.
`;

/** Between two looks at a backfill, in milliseconds. */
const lookMs = 1_000;

/** Asks for a backfill, and watches it if that is wanted; gives the exit code. */
export const requestBackfill = async (
  api: Pick<OperatorApi, 'streams' | 'backfill' | 'backfills'>,
  options: {
    readonly sourceId: string;
    readonly from: string;
    readonly to: string;
    readonly wait: boolean;
    readonly json: boolean;
  },
  terminal: Pick<Terminal, 'out' | 'notice' | 'isTerminal' | 'signal'>,
): Promise<number> => {
  const { sourceId, from, to, wait, json } = options;
  const { state } = await findSource(api, sourceId);
  const answer = await api.backfill(sourceId, from, to);
  const { backfillId, backfill } = answer;
  const asked = `backfill ${backfillId} of ${sourceId} ${backfill === 'exists' ? 'is there already' : 'is queued'}`;
  if (!wait) {
    terminal.out(json ? jsonText(answer) : `${asked}\n`);
    return 0;
  }
  terminal.notice(`${asked}${state === 'running' ? '' : `; the source is ${state}`}\n`);
  const { signal } = terminal;
  const end = await watchBackfill(
    {
      api,
      progress: createProgress(terminal.notice, terminal.isTerminal),
      notice: terminal.notice,
      // An abort only ends the pause early; whoever paused looks at the signal.
      pause: () => sleep(lookMs, undefined, { signal }).catch(() => {}),
      signal,
    },
    sourceId,
    backfillId,
  );
  if (end === null) {
    terminal.notice(`the backfill goes on: \`backfill list ${sourceId}\` shows it\n`);
    return 1;
  }
  terminal.out(
    json ? jsonText(end) : `backfill ${backfillId} of ${sourceId} is ${end.state}: ${end.records} records\n`,
  );
  if (end.state === 'failed' && end.error !== null) terminal.notice(`${end.error}\n`);
  return end.state === 'finished' ? 0 : 1;
};

/** Lists the backfills of a source and gives the text to print. */
export const listBackfills = async (
  api: Pick<OperatorApi, 'streams' | 'backfills'>,
  options: { readonly sourceId: string; readonly json: boolean },
): Promise<string> => {
  await findSource(api, options.sourceId);
  const backfills = await api.backfills(options.sourceId);
  return options.json ? jsonText({ backfills }) : renderBackfills(options.sourceId, backfills);
};

/** Takes a backfill back and gives the text to print. */
export const cancelBackfill = async (
  api: Pick<OperatorApi, 'streams' | 'cancelBackfill'>,
  options: { readonly sourceId: string; readonly backfillId: string },
): Promise<string> => {
  await findSource(api, options.sourceId);
  await api.cancelBackfill(options.sourceId, options.backfillId);
  return `backfill ${options.backfillId} of ${options.sourceId} is cancelled; what is in the queues stays there\n`;
};
