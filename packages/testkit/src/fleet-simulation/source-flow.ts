// The way of one source's records through the fleet in virtual time: provider → poll → queue → send → topic. Polls and sends
// obey the decision that holds; records are counted at each place, so that none can get lost unseen.
import { batchLimit } from '@stream-manager/shared/throttle/batch-limit';
import type { ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { createSendBucket } from './send-bucket.ts';

const recordsPerBatch = 500;

/** How a source is supplied. */
export interface SourceSupply {
  readonly pollEveryMs: number;
  /** Records of the source that the fleet holds at most. */
  readonly maxQueued: number;
  /** Records that the provider gets between two times. */
  arrivals(fromMs: number, toMs: number): number;
}

/** Where the records are. `fetched` ones wait for room in the queue, `inFlight` ones for Kafka's answer. */
export interface Whereabouts {
  readonly arrived: number;
  readonly atProvider: number;
  readonly fetched: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly published: number;
}

/** A running source. */
export interface SourceFlow {
  /** The provider and Kafka go on, with the fleet or without it. */
  passTime(nowMs: number, stepMs: number): void;
  /** Polls, queues and sends what the decision allows. */
  work(nowMs: number, decision: ThrottleDecision): void;
  whereabouts(): Whereabouts;
  /** Polls that the decision delayed. */
  delayedPolls(): number;
}

/** A source without any records. */
export function createSourceFlow(supply: SourceSupply): SourceFlow {
  const bucket = createSendBucket();
  let arrived = 0;
  let atProvider = 0;
  let fetched = 0;
  let queued = 0;
  let inFlight = 0;
  let published = 0;
  let nextPollMs = 0;
  let delayedPolls = 0;
  let delayedUntilMs: number | null = null;

  const poll = (nowMs: number, { delayMs }: ThrottleDecision): void => {
    // One poll at a time: it ends when its whole answer is in the queue.
    if (fetched > 0 || nowMs < nextPollMs) return;
    if (delayedUntilMs === null && delayMs > 0) {
      delayedUntilMs = nowMs + delayMs;
      delayedPolls += 1;
    }
    if (delayedUntilMs !== null && nowMs < delayedUntilMs) return;
    delayedUntilMs = null;
    fetched = atProvider;
    atProvider = 0;
    nextPollMs = (Math.floor(nowMs / supply.pollEveryMs) + 1) * supply.pollEveryMs;
  };

  const admit = (): void => {
    const admitted = Math.min(fetched, supply.maxQueued - queued);
    fetched -= admitted;
    queued += admitted;
  };

  const send = (nowMs: number, decision: ThrottleDecision): void => {
    const largest = batchLimit(decision.allowedRate, recordsPerBatch);
    while (queued > 0) {
      const records = Math.min(queued, largest);
      if (!bucket.ask(nowMs, records, decision)) return;
      queued -= records;
      inFlight += records;
    }
  };

  return {
    passTime: (nowMs, stepMs) => {
      published += inFlight;
      inFlight = 0;
      const arrivals = supply.arrivals(nowMs - stepMs, nowMs);
      arrived += arrivals;
      atProvider += arrivals;
    },
    work: (nowMs, decision) => {
      poll(nowMs, decision);
      admit();
      send(nowMs, decision);
    },
    whereabouts: () => ({ arrived, atProvider, fetched, queued, inFlight, published }),
    delayedPolls: () => delayedPolls,
  };
}
