// `delivery.ordering: per-key`: one chunk of a source is on its way over the whole fleet, and one that fails is repeated in
// place, inside its job: BullMQ's backoff would let the next chunk overtake it (b1 b2 b3 b0 (m)). The chunk itself counts
// its attempts, so that a killed worker does not forget them. A more urgent chunk still overtakes: the rest goes back to
// the front of its class, where it comes first again.
import type { ChunkEnding, ChunkJob } from './deliver-chunk.ts';

export interface InOrderDeps {
  readonly deliver: (job: ChunkJob) => Promise<ChunkEnding>;
  /** Waits; `given_back`: something more urgent has come, or the queue closes. */
  readonly rest: (delayMs: number) => Promise<'over' | 'given_back'>;
  /** The pause after the chunk's failed attempt number `attempts`, in milliseconds. */
  readonly backoff: (attempts: number) => number;
}

/** Makes the function that delivers the chunks of one source one after the other. */
export const createInOrderDelivery =
  (deps: InOrderDeps, options: { readonly maxAttempts: number }) =>
  async (job: ChunkJob): Promise<ChunkEnding> => {
    for (let failed = 1; ; ) {
      const ending = await deps.deliver(job);
      switch (ending.kind) {
        case 'delay':
          if ((await deps.rest(ending.delayMs)) === 'given_back') return { kind: 'give_back' };
          break;
        case 'retry':
          // What the chunk counts ends in letters; this ends what fails before it is counted.
          if (failed >= options.maxAttempts) return { kind: 'fail', reason: ending.reason };
          if ((await deps.rest(deps.backoff(failed))) === 'given_back') return { kind: 'give_back' };
          failed += 1;
          break;
        case 'complete':
        case 'fail':
        case 'give_back':
        case 'let_go':
          return ending;
      }
    }
  };
