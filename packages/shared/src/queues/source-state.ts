// What the fleet knows of a source beside its records: the operator's flags, the last poll, the last lag sample.
// One hash per source (`state`), written field by field, read for many sources in one pipeline.
import type { Redis } from 'ioredis';
import { type AnswerHistory, readAnswerHistory } from '../conditions/answer-history.ts';
import { sourceKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { readStoredJson } from './stored-json.ts';

/** How a poll ended. `deferred`: delayed for room, rate budget or lag; it goes on later. */
export const pollOutcomes = ['ok', 'not_modified', 'cached', 'deferred', 'rate_limited', 'failed'] as const;
export type PollOutcome = (typeof pollOutcomes)[number];

/** The last poll of a source, as `/api/streams` shows it. `records` = new or corrected. */
export interface LastPoll {
  readonly at: string;
  readonly outcome: PollOutcome;
  readonly records: number;
  readonly durationMs: number;
  readonly error: string | null;
}

/** The lag of one group on one topic, in records. */
export interface LagOfGroup {
  readonly group: string;
  readonly topic: string;
  readonly records: number;
  /** Records that retention deleted before the group had read them. */
  readonly lostToRetention: number;
}

/** What a sample of lag brought, as it is shown. */
export interface LagReading {
  /** Lag of the worst group; null: no group has a commit on the topics of the source. */
  readonly records: number | null;
  /** That group, and the topic on which it is furthest behind. */
  readonly group: string | null;
  readonly topic: string | null;
  /** All groups that count. */
  readonly groups: readonly LagOfGroup[];
  /** Groups that are left out: no commit for a day. */
  readonly abandoned: readonly string[];
}

/** The last lag sample of a source. It holds for a while only; how old it is says `sampledAt`, by Redis' clock. */
export interface LagState extends LagReading {
  readonly sampledAt: string;
}

/** The operator's two flags; they win over `enabled` until reversed. `polls` null = as the config says. */
export interface SourceFlags {
  readonly polls: 'started' | 'stopped' | null;
  readonly paused: boolean;
}

/** All that is kept of one source. */
export interface SourceState {
  readonly flags: SourceFlags;
  readonly lastPoll: LastPoll | null;
  /** What its answers were like (conditions/judge-source.ts says what that means); null: it never answered. */
  readonly answers: AnswerHistory | null;
  readonly lag: LagState | null;
}

/** The state as `/api/streams` names it: the first that applies. */
export type StreamState = 'paused' | 'retiring' | 'disabled' | 'stopped' | 'running';

/** Which state is shown. `inConfig` false or `enabled` false with records left = retiring. Pure. */
export const streamState = (source: {
  readonly flags: SourceFlags;
  readonly inConfig: boolean;
  readonly enabled: boolean;
  readonly recordsHeld: number;
}): StreamState => {
  const isEnabled = source.inConfig && (source.enabled || source.flags.polls === 'started');
  if (source.flags.paused) return 'paused';
  if (!isEnabled && source.recordsHeld > 0) return 'retiring';
  if (!isEnabled) return 'disabled';
  if (source.flags.polls === 'stopped') return 'stopped';
  return 'running';
};

/**
 * The state of a source of the config as far as polls go, by what is kept of it. What its queue still holds makes a disabled
 * source "retiring", which is not polled either, so it is not asked. Pure.
 */
export const pollingState = (
  { enabled }: { readonly enabled: boolean },
  kept: Pick<SourceState, 'flags'> | undefined,
): StreamState =>
  streamState({ flags: kept?.flags ?? { polls: null, paused: false }, inConfig: true, enabled, recordsHeld: 0 });

/**
 * The fields of a source's state in which a lag sample stands. The time is one of its own: while a source is idle, it is all
 * that changes. `at` in milliseconds. Pure.
 */
export const lagFields = (lag: LagReading, at: number): Readonly<Record<'lag' | 'lagAt', string>> => ({
  lag: JSON.stringify(lag),
  lagAt: String(at),
});

const readLag = (fields: Readonly<Record<string, string>>): LagState | null => {
  // Written by lagFields above.
  const reading = readStoredJson(fields.lag) as LagReading | null;
  const at = Number(fields.lagAt);
  return reading === null || !Number.isFinite(at) ? null : { ...reading, sampledAt: new Date(at).toISOString() };
};

/** Reads and writes the state of sources. The lag is written by the throttle's step, which knows whether it is the newest. */
export interface SourceStateStore {
  read(sourceIds: readonly string[]): Promise<ReadonlyMap<string, SourceState>>;
  setPolls(sourceId: string, polls: 'started' | 'stopped'): Promise<void>;
  setPaused(sourceId: string, paused: boolean): Promise<void>;
  /** `answers`: the history with this poll in it, if it was answered. */
  recordPoll(sourceId: string, poll: LastPoll, answers?: AnswerHistory): Promise<void>;
}

/** Creates the store on a shared connection. */
export const createSourceStateStore = (redis: Redis, keyPrefix: string): SourceStateStore => ({
  read: async (sourceIds) => {
    const pipeline = redis.pipeline();
    for (const sourceId of sourceIds) pipeline.hgetall(sourceKeys(keyPrefix, sourceId).state);
    const replies = valuesOfPipeline(await pipeline.exec());
    const states = new Map<string, SourceState>();
    for (const [index, sourceId] of sourceIds.entries()) {
      // HGETALL answers an object of strings.
      const fields = (replies[index] ?? {}) as Readonly<Record<string, string>>;
      states.set(sourceId, {
        flags: {
          polls: fields.polls === 'started' || fields.polls === 'stopped' ? fields.polls : null,
          paused: fields.paused === '1',
        },
        // Written by recordPoll below.
        lastPoll: readStoredJson(fields.lastPoll) as LastPoll | null,
        answers: readAnswerHistory(readStoredJson(fields.answers)),
        lag: readLag(fields),
      });
    }
    return states;
  },
  setPolls: async (sourceId, polls) => {
    await redis.hset(sourceKeys(keyPrefix, sourceId).state, 'polls', polls);
  },
  setPaused: async (sourceId, paused) => {
    const key = sourceKeys(keyPrefix, sourceId).state;
    await (paused ? redis.hset(key, 'paused', '1') : redis.hdel(key, 'paused'));
  },
  recordPoll: async (sourceId, poll, answers) => {
    const fields = {
      lastPoll: JSON.stringify(poll),
      ...(answers === undefined ? {} : { answers: JSON.stringify(answers) }),
    };
    await redis.hset(sourceKeys(keyPrefix, sourceId).state, fields);
  },
});
