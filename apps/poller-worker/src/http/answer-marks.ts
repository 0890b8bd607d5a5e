// What a source remembers of the answers it was given: which one it was handed out last for a request, and whether that
// one is used up. An answer brings no news only if nothing else was handed out for the request since it was used up: a part
// of another answer may have been admitted, and then the older one is news again.
//
//   (nothing) ── hand out ──► handed out ── use up ──► used up
//                                 ▲                       │
//                                 └────── hand out ───────┘
//
// A mark counts for a quarter of the time for which ids are remembered, from when its answer was last looked through: then
// it is looked through again, so that ids which keep coming are never forgotten. For the same reason it ends when ids are
// forgotten before their time (queue.dedupeMaxIds).
import type { AnswerVersion } from './answer-version.ts';

/** An answer that a source has used up. */
export interface UsedUp extends AnswerVersion {
  /** Hash of the answer's bytes. */
  readonly answer: string;
}

/** The marks of all sources. All reject with `redis_unreachable`. */
export interface AnswerMarks {
  /** The answer of this request that is used up, if that is at most `maxAgeMs` ago; null: there is none. */
  read(sourceId: string, request: string, maxAgeMs: number): Promise<UsedUp | null>;
  /**
   * An answer is about to be handed out; what was used up before counts no more. Gives what to use it up by. The mark is
   * kept for `keepMs`.
   */
  handOut(sourceId: string, request: string, keepMs: number): Promise<string>;
  /** The answer that was handed out by this ticket is used up. Without effect if another was handed out since. */
  useUp(sourceId: string, request: string, ticket: string, answer: UsedUp): Promise<void>;
}
