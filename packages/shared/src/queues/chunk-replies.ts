// Reads what the chunk store's scripts and commands answer. A TypeError from here means that script and reader do not
// belong together, never that Redis was away.

import type { PriorityClass } from '../records/priority.ts';
import { priorityClasses } from '../records/priority.ts';
import type {
  AdmitResult,
  ChunkTries,
  EvictedChunk,
  QueueCounts,
  SettleResult,
  Sighting,
  SweepPage,
  TakenChunk,
} from './chunk-store.ts';
import type { ScriptReply } from './script-runner.ts';
import { listOf, numberOf, textOf } from './script-runner.ts';

const sightings = ['new', 'known', 'correction'] as const satisfies readonly Sighting[];

/** The sightings of one look-up of `count` ids. */
export const sightingsOf = (reply: ScriptReply, count: number): readonly Sighting[] => {
  const digits = textOf(reply);
  if (digits.length !== count) throw new TypeError(`look-up of ${count} ids answered ${digits.length} digits`);
  return Array.from(digits, (digit) => {
    const sighting = sightings[Number(digit)];
    if (sighting === undefined) throw new TypeError(`look-up answered the digit ${digit}`);
    return sighting;
  });
};

/** What one call of an admit did: `making_room` = a part of what is beyond the cap went, and the call goes on at `places`. */
export type AdmitStep =
  | AdmitResult
  | { readonly status: 'making_room'; readonly evicted: readonly EvictedChunk[]; readonly places: readonly number[] };

/** Reads the answer of one call of an admit. */
export const admitStepOf = (reply: ScriptReply): AdmitStep => {
  const [first, second, third, fourth] = listOf(reply);
  const status = textOf(first);
  switch (status) {
    case 'making_room':
      return { status, evicted: evictedOf(listOf(second)), places: listOf(third).map(numberOf) };
    case 'already':
      return { status };
    case 'known':
      return { status, known: numberOf(second) };
    case 'full':
      return { status, known: numberOf(second), total: numberOf(third) };
    case 'rejected':
      return { status, dropped: numberOf(second), known: numberOf(third) };
    case 'dropped':
      return { status, dropped: numberOf(second), known: numberOf(third), ...keptOf(fourth) };
    case 'stored':
      return { status, stored: numberOf(second), known: numberOf(third), evicted: evictedOf(listOf(fourth)) };
    default:
      throw new TypeError(`admit answered ${status}`);
  }
};

/** The result of an admit before whose last call these were evicted. */
export const withEvicted = (result: AdmitResult, before: readonly EvictedChunk[]): AdmitResult => {
  if (before.length === 0) return result;
  switch (result.status) {
    case 'stored':
    case 'known':
    case 'dropped':
      return { ...result, evicted: [...before, ...(result.evicted ?? [])] };
    case 'already':
    case 'full':
    case 'rejected':
      // Under another mode, or by a call that was sent twice: never after one that made room.
      return result;
  }
};

const evictedOf = (flat: readonly ScriptReply[]): readonly EvictedChunk[] => {
  const evicted: EvictedChunk[] = [];
  for (let at = 0; at < flat.length; at += 4) {
    const priority = priorityClassOf(flat[at + 2]);
    evicted.push({
      chunkId: textOf(flat[at]),
      records: numberOf(flat[at + 1]),
      priority,
      ...keptOf(flat[at + 3]),
    });
  }
  return evicted;
};

const keptOf = (reply: ScriptReply | undefined): { readonly isKept?: true } =>
  numberOf(reply) === 1 ? { isKept: true } : {};

/** Fields of a chunk's hash, in the order in which `takenChunkOf` reads them. */
export const takenFields = ['v', 'n', 'p', 'at', 'meta', 'bits', 'corr', 'tries', 'refused'] as const;

/** A chunk from the values of `takenFields`; null without payload. */
export const takenChunkOf = (chunkId: string, fields: readonly (Buffer | null)[]): TakenChunk | null => {
  const [payload, records, priorityClass, admittedAt, meta, done, corrections, tries, refused] = fields;
  if (payload === null || payload === undefined) return null;
  return {
    chunkId,
    payload,
    records: numberOf(records),
    done: done ?? null,
    corrections: corrections ?? null,
    pollId: pollIdOf(textOf(meta)),
    admittedAt: numberOf(admittedAt),
    priority: priorityClassOf(priorityClass),
    tries: tries === null || tries === undefined ? noTries : triesOf(textOf(tries)),
    isRefused: refused !== null && refused !== undefined,
  };
};

const noTries: ChunkTries = { made: 0, attempts: [] };

// Written by the store only.
const triesOf = (json: string): ChunkTries => JSON.parse(json) as ChunkTries;

/** What a settle did. */
export const settleResultOf = (reply: ScriptReply): SettleResult => {
  const [first, records] = listOf(reply);
  const status = textOf(first);
  switch (status) {
    case 'gone':
      return { status };
    case 'freed':
    case 'left':
      return { status, records: numberOf(records) };
    default:
      throw new TypeError(`settle answered ${status}`);
  }
};

/** One page of a sweep. */
export const sweepPageOf = (reply: ScriptReply): SweepPage => {
  const [first, orphans, failed, last] = listOf(reply);
  const flat = listOf(first);
  const missing = [];
  for (let at = 0; at < flat.length; at += 4)
    missing.push({
      chunkId: textOf(flat[at]),
      records: numberOf(flat[at + 1]),
      priority: priorityClassOf(flat[at + 2]),
      pollId: pollIdOf(textOf(flat[at + 3])),
    });
  const next = numberOf(last);
  return {
    missing,
    orphans: listOf(orphans).map(textOf),
    failed: listOf(failed).map(textOf),
    next: next < 0 ? null : next,
  };
};

/** Counts from the hash's fields total, 1, 2, 3, 4; a source without chunks has none of them. */
export const queueCountsOf = (fields: ScriptReply): QueueCounts => {
  const [total = 0, critical = 0, high = 0, normal = 0, low = 0] = listOf(fields).map(countOf);
  return { total, byPriority: { 1: critical, 2: high, 3: normal, 4: low } };
};

/** A counter that may not be there yet. */
export const countOf = (reply: ScriptReply | undefined): number =>
  reply === null || reply === undefined ? 0 : numberOf(reply);

const priorityClassOf = (reply: ScriptReply | undefined): PriorityClass => {
  const value = numberOf(reply);
  const found = priorityClasses.find((priorityClass) => priorityClass === value);
  if (found === undefined) throw new TypeError(`a chunk has the class ${value}`);
  return found;
};

const pollIdOf = (meta: string): string => {
  const parsed: unknown = JSON.parse(meta);
  if (typeof parsed === 'object' && parsed !== null && 'pollId' in parsed && typeof parsed.pollId === 'string')
    return parsed.pollId;
  throw new TypeError(`a chunk's meta names no poll: ${meta}`);
};
