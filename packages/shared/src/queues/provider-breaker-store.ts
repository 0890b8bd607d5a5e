// The breaker of a provider, by host and port: shared by all sources that are polled there, over the whole fleet, by Redis'
// clock. It counts polls in a row that the provider gave no answer to; an answer of any kind (4xx, 429, unreadable) is none of
// them and begins the count anew.
//
//   closed ──5 polls in a row unanswered──► open (polls are delayed until the pause is over)
//   open ──the pause is over──► half open ──exactly one poll, the trial, is let through
//      trial answered ──► closed · unanswered ──► open, twice the pause, 5 min at most
//      neither (it was delayed, stopped, or killed: its lease runs out) ──► half open, the next poll is the trial
//
// Backfills are held by it and never change it for the worse: an API that answers 500 to one time of the past still answers polls.

/** State of a provider's breaker. */
export type ProviderBreakerState = 'closed' | 'open' | 'half_open';

/** A provider's breaker as it is shown. Only for hosts that did not answer last. */
export interface ProviderBreaker {
  readonly state: ProviderBreakerState;
  /** Polls in a row that ended without an answer. */
  readonly failures: number;
  /** When the next trial may go, ISO 8601; null while closed. */
  readonly until: string | null;
  /** What the last of these polls ended with, without secrets. */
  readonly error: string;
}

/** The poll that asks. */
export interface AskingPoll {
  /** Its job's id: a poll that runs again after a kill takes its own trial over. */
  readonly asker: string;
  /** A person asked for it: it is the trial at once, before the pause is over. */
  readonly isRequested: boolean;
  /** May be the trial; if not, it waits until another one has ended well. */
  readonly mayTry: boolean;
  /** How long nobody else is the trial unless it is told how this one ended, in milliseconds. */
  readonly leaseMs: number;
}

/** `isTrial`: whoever got it tells how the poll ended. */
export type BreakerLeave =
  | {
      readonly isGranted: true;
      readonly isTrial: boolean;
      /** Polls in a row without an answer so far; 0: an answer need not be told. */
      readonly failures: number;
    }
  | {
      readonly isGranted: false;
      /** Until the pause is over, or the trial's lease; in milliseconds. */
      readonly waitMs: number;
      readonly state: ProviderBreakerState;
      readonly failures: number;
      readonly error: string;
    };

/** How a poll ended for the breaker. `neither`: it says nothing about the provider. */
export type ProviderVerdict =
  | { readonly kind: 'answered' | 'neither' }
  | {
      readonly kind: 'unanswered';
      /** The first pause if this opens the breaker: the source's period, in milliseconds; held within 1 s and 5 min. */
      readonly pauseMs: number;
      /** Without secrets. */
      readonly error: string;
    };

/** Keeps the breakers. `host` is `providerHostOf` of a source. Every call rejects with what Redis answered. */
export interface ProviderBreakerStore {
  /** Those that are not as new; a host that is left out is closed and without failures. */
  readMany(hosts: readonly string[]): Promise<ReadonlyMap<string, ProviderBreaker>>;
  /** Asks for leave to poll. */
  ask(host: string, poll: AskingPoll): Promise<BreakerLeave>;
  /** Tells how a poll ended. Gives the state that it leads to. */
  tell(host: string, asker: string, verdict: ProviderVerdict): Promise<ProviderBreakerState>;
}
