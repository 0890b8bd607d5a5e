// The throttle of one source as a worker meets it before a send: every batch asks the fleet's bucket in Redis for leave.
// Between two answers nothing is asked: while it is shut, it opens again when the answer said so, or after a second, since
// a new sample may have brought a milder decision. Critical batches always get leave.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import {
  longestAskWaitMs,
  type SendLeave,
  type SendRequest,
  type ThrottleStore,
} from '@stream-manager/shared/queues/throttle-store';
import { batchLimit } from '@stream-manager/shared/throttle/batch-limit';
import type { AskingBatch, Leave } from '../delivery/collect.ts';

/** The throttle of one source in this process. */
export interface SendThrottle {
  /** Asks for leave for one batch. False: not now, and it is shut. Never rejects. */
  ask(batch: AskingBatch): Promise<boolean>;
  /** Which batches may ask; `onOpen` is called when these are more again. */
  leave(): Leave;
  /** Records of a batch at most. */
  batchRecords(): number;
  /** Records that may be in hand. */
  recordsInHand(): number;
  close(): void;
}

export interface SendThrottleDeps {
  readonly store: Pick<ThrottleStore, 'askToSend'>;
  /** It is worth asking again. */
  readonly onOpen: () => void;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

export interface SendThrottleOptions {
  readonly sourceId: string;
  /** `kafka.batchSize` */
  readonly batchSize: number;
  /** Batches of records in hand at most while nothing holds them back. */
  readonly batchesInHand: number;
  /** See `SendRequest`. */
  readonly asker: string;
  /** Chunks go whole, also those that are larger than a batch may be: the next one waits the longer. */
  readonly isWhole: boolean;
  /** Records/s, from the source's `throttling`. */
  readonly rates: Pick<SendRequest, 'maxRate' | 'minRate'>;
}

/** In hand is no more than this time's worth of the allowed rate, in seconds; one batch may always be. */
const inHandSeconds = 0.5;
/** Least wait for the next question, in milliseconds: it keeps an answer of "now" from becoming a spin. */
const shortestWaitMs = 2;

/** Records that may be in hand: one batch between pauses, so that the rest stays in the queue for whoever may send next. Pure. */
export const inHandLimit = (
  { allowedRate, delayMs }: Pick<SendLeave, 'allowedRate' | 'delayMs'>,
  { batchSize, batchesInHand }: Pick<SendThrottleOptions, 'batchSize' | 'batchesInHand'>,
): number => {
  const oneBatch = batchLimit(allowedRate, batchSize);
  if (delayMs > 0) return oneBatch;
  return Math.max(oneBatch, Math.min(batchSize * batchesInHand, Math.floor(allowedRate * inHandSeconds)));
};

/** Creates the throttle of a source. Before the first answer it counts as unthrottled. */
export const createSendThrottle = (deps: SendThrottleDeps, options: SendThrottleOptions): SendThrottle => {
  const { sourceId, batchSize, asker, rates } = options;
  let last: Pick<SendLeave, 'allowedRate' | 'delayMs'> | null = null;
  let current: Leave = 'any';
  let cancelTimer: (() => void) | null = null;
  let isTold = false;

  const shutFor = (waitMs: number, left: Leave): void => {
    if (current === 'none') return;
    current = left;
    cancelTimer ??= deps.after(Math.min(Math.max(waitMs, shortestWaitMs), longestAskWaitMs), () => {
      cancelTimer = null;
      current = 'any';
      deps.onOpen();
    });
  };
  /** Without Redis nothing could be settled either, and others say so; a question that it refuses is told here, once. */
  const tell = (error: unknown): void => {
    const isRefusal = error instanceof Error && error.name === 'ReplyError';
    const level = isRefusal && !isTold ? 'warn' : 'debug';
    isTold ||= isRefusal;
    deps.logger[level](
      { sourceId, error: messageOf(error) },
      'no leave to send can be had; nothing of the source is sent',
    );
  };
  const batchRecords = (): number => (last === null ? batchSize : batchLimit(last.allowedRate, batchSize));
  const question = (batch: AskingBatch): Promise<SendLeave> =>
    deps.store.askToSend(sourceId, { ...rates, ...batch, asker });
  /** Whether the batch has to be cut first: it was chosen while the rate was another one, or not known. */
  const isTooLarge = async ({ records, priority }: AskingBatch): Promise<boolean> => {
    if (options.isWhole || priority === 1) return false;
    last ??= await question({ records: 0, priority });
    return records > batchRecords();
  };
  return {
    ask: async (batch) => {
      try {
        if (await isTooLarge(batch)) {
          shutFor(shortestWaitMs, 'critical');
          return false;
        }
        const leave = await question(batch);
        last = leave;
        isTold = false;
        if (!leave.isGranted) shutFor(leave.waitMs, 'critical');
        return leave.isGranted;
      } catch (error) {
        tell(error);
        shutFor(longestAskWaitMs, 'none');
        return false;
      }
    },
    leave: () => current,
    batchRecords,
    recordsInHand: () => (last === null ? options.batchSize * options.batchesInHand : inHandLimit(last, options)),
    close: () => {
      current = 'none';
      cancelTimer?.();
    },
  };
};

/** The throttle of a source whose lag nobody samples: it is gone from the config, and only drains. */
export const openThrottle = ({
  batchSize,
  batchesInHand,
}: Pick<SendThrottleOptions, 'batchSize' | 'batchesInHand'>): SendThrottle => ({
  ask: async () => true,
  leave: () => 'any',
  batchRecords: () => batchSize,
  recordsInHand: () => batchSize * batchesInHand,
  close: () => {},
});
