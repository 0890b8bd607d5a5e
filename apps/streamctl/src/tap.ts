// `streamctl tap SOURCE --after BORDER`: records as they pass, one JSON line each on standard output, notices on standard
// error. A tap outlives a scheduler that is started anew.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { ApiEvent } from '@stream-manager/shared/ops/api-events';
import { ApiRefusal } from '@stream-manager/shared/ops/api-request';
import { type TapStage, tapStages } from '@stream-manager/shared/queues/tap';
import { findSource } from './find-source.ts';
import { span } from './lag-words.ts';
import type { OperatorApi } from './operator-api.ts';
import { wholeNumber } from './parse-options.ts';
import { UsageError } from './usage-error.ts';

export const tapUsage = `npm run streamctl -- tap SOURCE [--after parse|dedupe|route] [--limit N]
  records of a source as they pass a border, one JSON line each on standard output, until Ctrl-C

  --after parse    every row as it was parsed; rows that are no record with the reason
  --after dedupe   what of it is new or corrected (default)
  --after route    what goes to Kafka: topic, key, headers, value
  --limit N        ends after N records

For a program that reads it: ./streamctl tap …, or npm run -s streamctl -- tap … (without -s npm prints lines of its own before).

Live: nothing is kept, and nothing waits for it. Each process shows at most 100 records a second; how many are not shown is
said on standard error. Exit codes: 0 ended as asked, 2 refused, wrong use or unreachable API.
`;

/** What the command line says of a tap. */
export interface TapOptions {
  readonly sourceId: string;
  readonly after: TapStage;
  /** null: until it is ended. */
  readonly limit: number | null;
}

/** What a tap works with. */
export interface TapDeps {
  readonly api: Pick<OperatorApi, 'streams' | 'tap'>;
  readonly out: (text: string) => void;
  /** Resolves when what was written has been read. */
  readonly drained: () => Promise<void>;
  readonly notice: (text: string) => void;
  /** Waits before it is tried again; an abort ends the wait. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Reads the options. Throws `UsageError`. Pure. */
export const readTapOptions = (
  sourceId: string,
  { after = 'dedupe', limit }: { readonly after?: string | undefined; readonly limit?: string | undefined },
): TapOptions => {
  const stage = tapStages.find((known) => known === after);
  if (stage === undefined) throw new UsageError(`--after: expected one of ${tapStages.join(', ')}, not "${after}"`);
  return { sourceId, after: stage, limit: wholeNumber('limit', limit) };
};

const countOf = (data: unknown): number =>
  typeof data === 'object' && data !== null && 'records' in data && typeof data.records === 'number' ? data.records : 0;

/** Shows what passes until the signal aborts or the limit is reached. Rejects if the tap cannot be had at all. */
export const tap = async (deps: TapDeps, { sourceId, after, limit }: TapOptions): Promise<void> => {
  const { state, nextPollAt } = await findSource(deps.api, sourceId);
  const next =
    nextPollAt === null ? '' : `, next poll in ${span(Math.max(0, Date.parse(nextPollAt) - deps.now()) / 1_000)}`;
  const enough = new AbortController();
  const signal = AbortSignal.any([deps.signal, enough.signal]);
  let shown = 0;
  let wasOpen = false;
  let isTold = false;

  const onOpen = (): void => {
    deps.notice(
      wasOpen ? 'listening again\n' : `listening after ${after} of ${sourceId} (${state}${next}); Ctrl-C ends it\n`,
    );
    wasOpen = true;
    isTold = false;
  };
  const onEvent = async ({ event, data }: ApiEvent): Promise<void> => {
    if (event === 'record') {
      deps.out(`${JSON.stringify(data)}\n`);
      shown += 1;
      if (shown === limit) enough.abort();
      await deps.drained();
    } else if (event === 'skipped') deps.notice(`${countOf(data)} more passed and are not shown\n`);
  };

  while (!signal.aborted) {
    try {
      for await (const event of deps.api.tap(sourceId, after, { signal, onOpen })) {
        await onEvent(event);
        if (signal.aborted) return;
      }
      if (!signal.aborted && !isTold) deps.notice('the tap was ended by the server; trying again\n');
    } catch (error) {
      // One that has listened knows that the source is there; the scheduler may be away for a while.
      if (!wasOpen || (error instanceof ApiRefusal && error.status !== 409)) throw error;
      if (!isTold) deps.notice(`${messageOf(error)}; trying again\n`);
    }
    isTold = true;
    if (!signal.aborted) await deps.pause();
  }
};
