// The answers that the fleet shares for a moment: whoever asks the same gets the one that was fetched last, and of those
// who ask at the same time one fetches it. What is in it may be lost at any time; nothing rests on it but a request more.

/** What is known of an answer beside its body. */
export interface AnswerFacts {
  readonly status: number;
  /** Only those that a source may need: see `keptHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it began to arrive, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Bytes of the body before it was packed. */
  readonly bodyBytes: number;
  readonly isPacked: boolean;
}

/** An answer as it is kept. */
export interface StoredAnswer {
  /** Hash of its bytes. */
  readonly answer: string;
  readonly facts: AnswerFacts;
  readonly body: Buffer;
}

/** Leave to fetch an answer on behalf of all who ask the same. It lapses by itself if it is not kept up. */
export interface Lead {
  readonly token: string;
  /** When it was given, in milliseconds of the cache's own clock: from then on the answer counts. */
  readonly atMs: number;
}

/** What the cache says to somebody who asks. */
export type Taken =
  /** The asker has used this very answer up. */
  | { readonly kind: 'known'; readonly facts: AnswerFacts }
  | { readonly kind: 'answer'; readonly stored: StoredAnswer }
  /** Nobody fetches it: the asker does, and says how it ended by `store` or `release`. */
  | { readonly kind: 'lead'; readonly lead: Lead }
  /** Somebody fetches it. */
  | { readonly kind: 'held' }
  /** It is one that is not shared: each asker fetches it. */
  | { readonly kind: 'alone' };

/** What is left of an answer: itself, or that it is not shared, or that it has not changed, of which the body is not known. */
export type Leftover =
  | { readonly kind: 'answer'; readonly stored: StoredAnswer }
  | { readonly kind: 'alone' | 'unchanged'; readonly answer: string; readonly facts: AnswerFacts };

/** All reject with whatever Redis threw: then it is as if nothing was known. */
export interface AnswerCache {
  /**
   * Looks for an answer that was asked for less than `maxAgeMs` ago. `known`: the hash of the one that the asker has used up,
   * whose body it does not need.
   */
  take(request: string, asker: { readonly maxAgeMs: number; readonly known: string | null }): Promise<Taken>;
  /** The fetch still goes on. To be called at least every `renewMs`. */
  renew(request: string, lead: Lead): Promise<void>;
  /** How long a lead may go without `renew`, in milliseconds, with a good margin. */
  readonly renewMs: number;
  /** The fetch is over: keeps what is left of it until `ttlMs` after it began. A newer answer is not replaced. Gives the bytes it takes. */
  store(request: string, lead: Lead, ttlMs: number, leftover: Leftover): Promise<number>;
  /** The fetch is over and leaves nothing. */
  release(request: string, lead: Lead): Promise<void>;
  /** The answers to these requests are not what they should be: they are not given to anybody any more. */
  forget(requests: readonly string[]): Promise<void>;
}

const kept = ['content-type', 'date', 'etag', 'last-modified', 'link'] as const;

/** The headers of an answer that are kept with it: what tells how it is read, its version, and where it goes on. */
export const keptHeaders = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    kept.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
