// Polls that ask for one thing after another, one request and one page each: stations, gridpoints, ZIP codes. A few are
// asked for at a time, and where the round stands is the position after each page, so that 150 stations at 60 requests
// a minute are one poll in three runs.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { HttpStatusError } from '../http/http-status-error.ts';
import { type ItemOutcome, nextStep, type Round, withoutItem } from './round.ts';
import type { Page } from './source.ts';

/** Items asked for at the same time. */
const concurrency = 4;

/** What an item's answer brought. */
export type ItemPage = Omit<Page, 'position' | 'isPart' | 'ahead' | 'cursor'>;

/** What an item's exchange came to; `stop` is none of its own: our limit, a wrong key, the end of the process. */
export type Reply =
  | { readonly outcome: 'answered'; readonly page: ItemPage }
  | { readonly outcome: 'none' | 'failed' | 'stop'; readonly error: unknown };

/** What is asked, and who is told. */
export interface AskEach {
  /** Sends the request of one item. It rejects when there is no answer that can be read. */
  readonly ask: (item: string) => Promise<ItemPage>;
  /** An item failed twice: it is not in this poll. */
  readonly leftOut: (item: string, error: unknown) => void;
  /** The provider does not have these. */
  readonly unknown: (items: readonly string[]) => void;
}

/** Goes through the rest of a round. Throws the error that ended it; what others had answered by then is given first. */
export async function* askEach(first: Round, { ask, leftOut, unknown }: AskEach): AsyncGenerator<Page> {
  const asked = new Map<string, Promise<Reply>>();
  const missing: string[] = [];
  let round = first;
  let streak = 0;
  let failure: unknown;
  while (round.rest.length > 0) {
    for (const item of round.rest.slice(0, concurrency)) if (!asked.has(item)) asked.set(item, replyOf(ask(item)));
    const [item = ''] = round.rest;
    const reply = await asked.get(item);
    asked.delete(item);
    if (reply === undefined) throw new Error(`item ${item} was never asked for`);
    if (reply.outcome === 'stop') {
      failure = reply.error;
      break;
    }
    const step = nextStep(round, streak, item, reply.outcome);
    if (step.action === 'fail') {
      failure = reply.outcome === 'answered' ? undefined : reply.error;
      break;
    }
    ({ round, streak } = step);
    if (step.isLeftOut && reply.outcome !== 'answered') leftOut(item, reply.error);
    if (reply.outcome === 'none') missing.push(item);
    yield pageOf(reply, round);
  }
  if (missing.length > 0) unknown(missing);
  if (round.rest.length === 0) return;
  // What others answered meanwhile was served and may not come again: it is not thrown away.
  for (const [item, pending] of asked) {
    const reply = await pending;
    if (reply.outcome !== 'answered' && reply.outcome !== 'none') continue;
    round = withoutItem(round, item, reply.outcome);
    yield pageOf(reply, round);
  }
  throw failure;
}

/** Never rejects: a reply that nobody waits for any more must not end the process. */
const replyOf = async (page: Promise<ItemPage>): Promise<Reply> => {
  try {
    return { outcome: 'answered', page: await page };
  } catch (error) {
    return { outcome: outcomeOf(error), error };
  }
};

const pageOf = (reply: Reply, round: Round): Page => {
  const position = round.rest.length === 0 ? null : { round };
  return reply.outcome === 'answered' ? { ...reply.page, position } : { records: [], invalid: [], position };
};

const ofTheItem: ReadonlySet<string> = new Set([
  'fetch_status',
  'fetch_timeout',
  'fetch_network',
  'fetch_redirect',
  'response_unreadable',
]);

/** What a failed exchange says: of the item, or of the whole poll. */
const outcomeOf = (error: unknown): Exclude<ItemOutcome, 'answered'> | 'stop' => {
  if (!(error instanceof StreamManagerError)) return 'stop';
  if (error instanceof HttpStatusError && [400, 404, 410].includes(error.status)) return 'none';
  return ofTheItem.has(error.code) ? 'failed' : 'stop';
};
