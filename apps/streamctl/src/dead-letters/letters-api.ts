// The dead letters of the API, as the commands use them (the contract in docs/http-api.md).
import { createApiClient } from '@stream-manager/shared/ops/api-client';
import { ApiRefusal, createApiRequest } from '@stream-manager/shared/ops/api-request';
import type { ApiAccess } from '@stream-manager/shared/ops/data-directory';

/** A letter as the list has it. */
export interface LetterAnswer {
  readonly id: string;
  readonly source: string;
  readonly code: string;
  readonly reason: string;
  readonly topic: string | null;
  readonly record?: unknown;
  readonly raw?: string;
  readonly attempts: readonly { readonly at: string; readonly error: string }[];
  readonly firstFailedAt: string | null;
  readonly lastFailedAt: string | null;
  readonly replays: number;
  readonly replayError: string | null;
}

/** A letter whole. */
export interface WholeLetterAnswer extends LetterAnswer {
  readonly state: 'failed' | 'waiting';
  readonly pollId: string | null;
  readonly payloadVersion: number | null;
}

/** The answer to a list. */
export interface LettersAnswer {
  readonly total: number;
  readonly waiting: number;
  readonly deadLetters: readonly LetterAnswer[];
  readonly next: string | null;
}

/** The answer to an act; `replayed` or `discarded` by the act. */
export interface LetterActAnswer {
  readonly matched: number;
  readonly replayed?: number;
  readonly discarded?: number;
  readonly failed: readonly { readonly id: string; readonly source: string | null; readonly error: string }[];
  readonly waiting: number;
  readonly next: string | null;
  /** Of a dry run: with it an act is done to no letter that was not counted. */
  readonly until: string | null;
}

/** Which letters are meant; the API reads and checks it. */
export interface LetterSelection {
  readonly source?: string;
  readonly code?: string;
  readonly since?: string;
}

export type LetterAct = 'replay' | 'discard';

/** The API, in the words of the commands. Each rejects with one sentence. */
export interface LettersApi {
  list(query: LetterSelection & { readonly limit: number; readonly cursor?: string }): Promise<LettersAnswer>;
  /** Null: no such letter. */
  show(source: string, id: string): Promise<WholeLetterAnswer | null>;
  /** Sources that may have letters. */
  sources(): Promise<readonly string[]>;
  act(
    act: LetterAct,
    body: LetterSelection & {
      readonly ids?: readonly string[];
      readonly all?: boolean;
      readonly limit?: number;
      readonly cursor?: string;
      readonly until?: string;
      readonly dryRun?: boolean;
    },
  ): Promise<LetterActAnswer>;
}

/** An act goes through up to a thousand letters in one request. */
const timeoutMs = 60_000;

/** Creates the access. */
export const createLettersApi = (access: ApiAccess): LettersApi => {
  const request = createApiRequest(access, timeoutMs);
  const path = '/api/dead-letters';
  return {
    // All answers are the contract of our own API.
    list: async (query) => {
      const fields = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
      return (await request('GET', `${path}?${new URLSearchParams(fields).toString()}`)) as LettersAnswer;
    },
    show: async (source, id) => {
      try {
        const address = `${path}/${encodeURIComponent(source)}/${encodeURIComponent(id)}`;
        return (await request('GET', address)) as WholeLetterAnswer;
      } catch (error) {
        if (error instanceof ApiRefusal && error.status === 404) return null;
        throw error;
      }
    },
    sources: async () => (await createApiClient(access, timeoutMs).streams()).streams.map(({ id }) => id),
    act: async (act, body) => (await request('POST', `${path}/${act}`, body)) as LetterActAnswer,
  };
};
