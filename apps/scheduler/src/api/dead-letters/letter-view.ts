// How the API shows a dead letter: by the names of the contract, from what its job carries.
import type { LetterFields } from './letter-queue.ts';

/** One entry of `deadLetters`. Times are ISO 8601 UTC. Exactly one of `record` and `raw`, as the letter has it. */
export interface LetterView {
  /** Job id. */
  readonly id: string;
  readonly source: string;
  readonly code: string;
  readonly reason: string;
  readonly topic: string | null;
  readonly record?: unknown;
  readonly raw?: string;
  /** Sends that failed, the oldest first. */
  readonly attempts: readonly unknown[];
  readonly firstFailedAt: string | null;
  readonly lastFailedAt: string | null;
  /** How often the record was replayed before. */
  readonly replays: number;
  /** Why its last replay did nothing; null when there was none. */
  readonly replayError: string | null;
}

/** One letter whole. */
export interface WholeLetterView extends LetterView {
  /** `failed`: may be replayed or discarded. `waiting`: its first run or a replay stands out. */
  readonly state: 'failed' | 'waiting';
  readonly pollId: string | null;
  readonly payloadVersion: number | null;
  /** What a raw row is parsed with, beside its own text (a CSV header); only where the letter has it. */
  readonly rawContext?: string;
  /** `raw` is not the whole row, so that it cannot be replayed; only where that is so. */
  readonly rawIsIncomplete?: true;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const parse = (json: string | null): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(json ?? 'null');
    // Not null, no list: an object of named values.
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>> | null)
      : null;
  } catch {
    // Shown as unreadable below: one damaged letter must not hide the others.
    return null;
  }
};

/** The view of a letter. Data that cannot be read shows as `raw`. Pure. */
export const viewLetter = (
  at: { readonly id: string; readonly source: string },
  { name, data: json, failedReason }: LetterFields,
): LetterView => {
  const data = parse(json);
  const reason = text(data?.reason) ?? failedReason ?? 'no reason is known';
  const content =
    data === null
      ? { raw: json ?? '' }
      : {
          ...(data.record === undefined ? {} : { record: data.record }),
          ...(typeof data.raw === 'string' ? { raw: data.raw } : {}),
        };
  return {
    id: at.id,
    source: at.source,
    code: text(data?.code) ?? name ?? 'unknown',
    reason,
    topic: text(data?.topic),
    ...content,
    attempts: Array.isArray(data?.attempts) ? data.attempts : [],
    firstFailedAt: text(data?.firstFailedAt),
    lastFailedAt: text(data?.lastFailedAt),
    replays: number(data?.replays) ?? 0,
    replayError: failedReason === null || failedReason === reason ? null : failedReason,
  };
};

/** The view of one letter with all that is known of it. Pure. */
export const viewWholeLetter = (
  at: { readonly id: string; readonly source: string },
  fields: LetterFields,
  state: WholeLetterView['state'],
): WholeLetterView => {
  const data = parse(fields.data);
  return {
    ...viewLetter(at, fields),
    state,
    pollId: text(data?.pollId),
    payloadVersion: number(data?.payloadVersion),
    ...(typeof data?.rawContext === 'string' ? { rawContext: data.rawContext } : {}),
    ...(data?.rawIsIncomplete === true ? { rawIsIncomplete: true } : {}),
  };
};
