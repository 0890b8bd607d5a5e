// Asks Kafka for many things of one kind, a few at a time, so that what does not answer holds up nothing but itself: each
// answer is waited for only so long, the next thing is asked for long before that, and what is still under way is not asked
// for again. A round over groups or topics of which some are silent takes seconds once, and milliseconds after that.
import { classifySendError } from '../failures/send-outcome.ts';
import { within } from '../kafka/retry.ts';

/** What was asked for, or why it could not be had. */
export type Reading<Value> = { readonly value: Value } | { readonly failure: unknown };

/** Asks for things by name. */
export interface EachReader {
  /**
   * Asks for every name; failures stand in the answers. Rejects with the reason of `signal` as soon as it aborts, whatever is
   * still under way then. Once 16 answers, all there were, say that Kafka is away, the rest is not asked for: it gets the same failure.
   */
  read<Value>(
    names: Iterable<string>,
    ask: (name: string) => Promise<Value>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Reading<Value>>>;
}

/** Requests of a round that are under way at the same time, if they are answered soon. */
export const parallelReads = 16;
/** The next one does not wait for an answer any longer than for this share of the whole time. */
const heldShare = 0.1;
/** How long one answer is waited for, in milliseconds: longer than a broker pauses, much shorter than a decision holds. */
const answerWithinMs = 5_000;

const isOutage = (failure: unknown): boolean => classifySendError(failure).outcome === 'outage';

/** Settles as `work` does, or rejects as soon as `signal` aborts. */
const untilAborted = async (work: Promise<unknown>, signal: AbortSignal): Promise<void> => {
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** Creates a reader of one kind of things. `waitMs`: how long one answer is waited for. */
export const createEachReader = (waitMs: number = answerWithinMs): EachReader => {
  const underWay = new Set<string>();

  const askOne = async <Value>(name: string, ask: (name: string) => Promise<Value>): Promise<Reading<Value>> => {
    underWay.add(name);
    const answer = ask(name).finally(() => underWay.delete(name));
    try {
      return { value: await within(waitMs, 'Kafka', answer) };
    } catch (failure) {
      return { failure };
    }
  };
  /** In the words of `within`: it is the same trouble still, and not told again. */
  const noAnswerYet = (): Error =>
    Object.assign(new Error(`Kafka: no answer within ${waitMs} ms`), { code: 'ETIMEDOUT' });

  return {
    read: async <Value>(names: Iterable<string>, ask: (name: string) => Promise<Value>, signal: AbortSignal) => {
      const readings = new Map<string, Reading<Value>>();
      const left = [...names];
      const outages: unknown[] = [];
      let isAnswered = false;

      const next = async (name: string): Promise<Reading<Value>> => {
        if (!isAnswered && outages.length >= parallelReads) return { failure: outages.at(-1) };
        if (underWay.has(name)) return { failure: noAnswerYet() };
        const reading = await askOne(name, ask);
        if ('failure' in reading && isOutage(reading.failure)) outages.push(reading.failure);
        else isAnswered = true;
        return reading;
      };
      const late: Promise<void>[] = [];
      const lane = async (): Promise<void> => {
        for (let name = left.shift(); name !== undefined && !signal.aborted; name = left.shift()) {
          const of = name;
          const reading = next(of).then((answer) => void readings.set(of, answer));
          // Who is late is waited for at the end.
          await within(waitMs * heldShare, of, reading).catch(() => void late.push(reading));
        }
      };
      const lanes = Promise.all(Array.from({ length: parallelReads }, lane)).then(() => Promise.all(late));
      await untilAborted(lanes, signal);
      return readings;
    },
  };
};
