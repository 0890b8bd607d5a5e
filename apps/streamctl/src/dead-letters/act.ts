// `streamctl dead-letters replay` and `discard`: first how many are meant, then call by call until all are done, at the
// rate that was asked for. The server does the work; a call that was sent is finished there whatever becomes of us.
// Letters that fail while the operator thinks are not the ones that were confirmed: the acts are bound to those that were
// counted, and end at their number.

import { UsageError } from '../usage-error.ts';
import { type ActResult, plural } from './act-result.ts';
import type { LetterAct, LetterActAnswer, LettersApi } from './letters-api.ts';
import type { LetterOptions } from './options.ts';
import type { LetterProgress } from './progress.ts';

export interface ActDeps {
  readonly api: Pick<LettersApi, 'act'>;
  readonly progress: LetterProgress;
  /** Asks a question; null: there is nobody to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /** Waits; an abort ends the wait. */
  readonly pause: (ms: number) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Aborts when the operator wants it to end; the call in hand is finished. */
  readonly signal: AbortSignal;
}

/** Letters of one call, so that progress is seen; with a rate, those of a second. */
const lettersPerCall = 500;

/** Does the act. Throws `UsageError` if nothing was chosen, an Error if a discard needs an answer that nobody can give. */
export const actOnLetters = async (deps: ActDeps, act: LetterAct, options: LetterOptions): Promise<ActResult> => {
  const { selection, ids, all, limit, rate } = options;
  if (!all && ids.length === 0 && Object.keys(selection).length === 0)
    throw new UsageError(`dead-letters ${act}: name ids, --source, --code or --since, or say --all`);
  const chosen = { ...selection, ...(all ? { all } : {}) };
  const dry = await deps.api.act(act, {
    ...chosen,
    ...(ids.length === 0 ? {} : { ids }),
    ...(limit === null ? {} : { limit }),
    dryRun: true,
  });
  const { matched } = dry;
  const counted = dry.until === null ? {} : { until: dry.until };
  const nothing = { act, matched, done: 0, failed: dry.failed, waiting: dry.waiting };
  if (options.dryRun) return { ...nothing, end: 'dry_run' };
  if (act === 'discard' && matched > 0 && !options.yes) {
    if (deps.confirm === null)
      throw new Error(`${plural(matched)} would be lost for good, and there is nobody to ask: say --yes`);
    if (!(await deps.confirm(`Discard ${plural(matched)} for good?`))) return { ...nothing, end: 'refused' };
  }

  const perCall = Math.min(lettersPerCall, rate ?? lettersPerCall);
  const startedAt = deps.now();
  // Of ids, those that the dry run could not find are told of once.
  const failed = [...dry.failed];
  let tried = 0;
  let done = 0;
  let waiting = dry.waiting;
  /** Waits until the rate allows the next call; false: the operator wants no more. */
  const isNext = async (): Promise<boolean> => {
    if (rate !== null) await deps.pause(Math.max(0, startedAt + (tried / rate) * 1_000 - deps.now()));
    return !deps.signal.aborted;
  };
  /** One call; gives its answer. */
  const call = async (body: Parameters<LettersApi['act']>[1]): Promise<LetterActAnswer> => {
    const answer = await deps.api.act(act, body);
    tried += answer.matched;
    done += answer.replayed ?? answer.discarded ?? 0;
    waiting = answer.waiting;
    failed.push(...answer.failed);
    deps.progress.update({ done: tried, of: matched, failed: failed.length });
    return answer;
  };

  const left = (): number => Math.min(perCall, matched - tried);
  let isMore = matched > 0;
  if (ids.length > 0) {
    const missing = new Set(dry.failed.map(({ id }) => id));
    const waitingIds = ids.filter((id) => !missing.has(id));
    for (; isMore && (await isNext()); isMore = waitingIds.length > 0 && left() > 0)
      await call({ ...selection, ...counted, ids: waitingIds.splice(0, perCall), limit: left() });
  } else {
    let cursor: string | null = null;
    while (isMore && (await isNext())) {
      const answer: LetterActAnswer = await call({
        ...chosen,
        ...counted,
        limit: left(),
        ...(cursor === null ? {} : { cursor }),
      });
      cursor = answer.next;
      isMore = cursor !== null && left() > 0;
    }
  }
  deps.progress.end();
  return { act, matched, done, failed, waiting, end: isMore ? 'interrupted' : 'finished' };
};
