// The API in memory, as the commands on sources use it: two sources, a cursor with a version, and a backfill that gets on by
// a quarter at every look.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import type { ApiEvent } from '@stream-manager/shared/ops/api-events';
import { ApiRefusal } from '@stream-manager/shared/ops/api-request';
import type { BackfillView } from '@stream-manager/shared/queues/backfills';
import type { CursorAnswer, OperatorApi } from '../src/operator-api.ts';
import { streamAnswer } from './stream-answers.ts';

/** A backfill that has not begun. */
export const backfillView = (changes: Partial<BackfillView> = {}): BackfillView => ({
  id: 'b1',
  source: 'firms',
  state: 'waiting',
  from: '2026-05-01T00:00:00.000Z',
  to: '2026-05-05T00:00:00.000Z',
  doneUntil: '2026-05-01T00:00:00.000Z',
  share: 0,
  records: 0,
  requestedAt: '2026-05-06T00:00:00.000Z',
  requestedBy: 'admin',
  endedAt: null,
  error: null,
  delayed: null,
  ...changes,
});

/** What one try to tap gives: events, then the end or an error. */
export type TapTry = readonly (ApiEvent | Error)[];

/** Creates the API. `looks`: the backfill as each look finds it, the last one for ever. */
export const memoryOperator = (
  options: {
    readonly streams?: readonly StreamAnswer[];
    readonly looks?: readonly (Partial<BackfillView> | Error)[];
    readonly taps?: readonly TapTry[];
  } = {},
) => {
  const { streams = [streamAnswer('firms'), streamAnswer('alerts')], looks = [{}], taps = [] } = options;
  const calls: unknown[][] = [];
  let cursor: CursorAnswer = { id: 'firms', value: null, until: null, at: null, by: null, version: 0 };
  let look = -1;
  let tapTry = -1;
  const write = (version: number | null, changes: Partial<CursorAnswer>): CursorAnswer => {
    if (version !== null && version !== cursor.version) throw new ApiRefusal(409, 'it was written since');
    const at = '2026-05-06T00:00:00.000Z';
    cursor = { ...cursor, at, by: 'admin', version: cursor.version + 1, ...changes };
    return cursor;
  };
  const api: OperatorApi = {
    streams: async () => streams,
    budgetsUsed: async () => {
      calls.push(['budgetsUsed']);
      return new Map([['firms', 1_234]]);
    },
    poll: async (id) => ({ id, state: 'stopped', poll: 'queued', deferred: 'its dead letters are full' }),
    cursor: async () => cursor,
    setCursor: async (_id, change, version) => write(version, change),
    resetCursor: async (_id, version) => write(version, { value: null, until: null }),
    backfill: async (id, from, to) => {
      calls.push(['backfill', id, from, to]);
      return { id, backfillId: 'b1', backfill: 'queued' };
    },
    backfills: async () => {
      look = Math.min(look + 1, looks.length - 1);
      const found = looks[look];
      if (found instanceof Error) throw found;
      return [backfillView({ id: 'other' }), backfillView(found)];
    },
    cancelBackfill: async (id, backfillId) => {
      calls.push(['cancelBackfill', id, backfillId]);
    },
    tap: async function* (id, after, { signal, onOpen }) {
      calls.push(['tap', id, after]);
      tapTry += 1;
      const events = taps[tapTry];
      if (events === undefined) throw new Error('nobody taps so often');
      if (!(events[0] instanceof Error)) onOpen();
      for (const event of events) {
        if (signal.aborted) return;
        if (event instanceof Error) throw event;
        yield event;
      }
    },
  };
  return { api, calls };
};

/** A terminal that keeps what is written; `answer`: what the operator says when asked, null = nobody is there. */
export const memoryTerminal = (answer: boolean | null = null) => {
  const texts = { out: '', notice: '' };
  const questions: string[] = [];
  const ended = new AbortController();
  return {
    texts,
    questions,
    ended,
    out: (text: string) => void (texts.out += text),
    notice: (text: string) => void (texts.notice += text),
    drained: async () => {},
    isTerminal: false,
    signal: ended.signal,
    confirm:
      answer === null
        ? null
        : async (question: string) => {
            questions.push(question);
            return answer;
          },
  };
};
