// The chunk store once more, as plainly as possible and in memory: what the real one is compared with after every step.
// It follows reference and design, not the Lua texts.
import type { OverflowMode } from '../../src/config/overflow-modes.ts';
import type { AdmitResult, EvictedChunk, SettleResult, Sighting } from '../../src/queues/chunk-store.ts';
import type { PriorityClass } from '../../src/records/priority.ts';

/** A row of a poll's answer. */
export interface Row {
  readonly id: number;
  readonly revision: number;
}

/** What may differ from call to call. */
export interface CallLimits {
  /** The dedupe window has passed since the generation began. */
  readonly windowPassed: boolean;
  readonly ignoreCorrections: boolean;
}

export interface ModelContent extends Row {
  done: boolean;
  readonly correction: boolean;
}

export interface ModelChunk {
  readonly chunkId: string;
  readonly priority: PriorityClass;
  readonly number: number;
  readonly keep: boolean;
  readonly contents: readonly ModelContent[];
}

export interface ModelSizes {
  readonly maxRecords: number;
  readonly criticalReserve: number;
  readonly dedupeMaxIds: number;
  readonly keepDropped: boolean;
}

const leftOf = (chunk: ModelChunk): number => chunk.contents.filter((content) => !content.done).length;

/** The model; `isHeld` says whether a worker's lock exists. */
export const createChunkStoreModel = (sizes: ModelSizes, isHeld: (chunkId: string) => boolean) => {
  const chunks = new Map<string, ModelChunk>();
  /** Dropped, and not yet letters. */
  const setAside = new Map<string, ModelChunk>();
  const dropped: Record<string, number> = {};
  let published = 0;
  let admissions = 0;
  let early = 0;
  let isBegun = false;
  let current = new Map<number, number>();
  let previous = new Map<number, number>();

  const total = (): number => [...chunks.values()].reduce((sum, chunk) => sum + leftOf(chunk), 0);
  const drop = (priority: number, reason: string, records: number): void => {
    dropped[`${priority}:${reason}`] = (dropped[`${priority}:${reason}`] ?? 0) + records;
  };

  const keepIfThereIsRoom = (chunk: ModelChunk): { readonly isKept?: true } => {
    const kept = [...setAside.values()].reduce((sum, other) => sum + leftOf(other), 0);
    if (!sizes.keepDropped || kept + leftOf(chunk) > sizes.maxRecords) return {};
    setAside.set(chunk.chunkId, chunk);
    return { isKept: true };
  };

  const rotate = (windowPassed: boolean): void => {
    const isFull = current.size >= sizes.dedupeMaxIds;
    if (isBegun && (windowPassed || isFull)) {
      if (!windowPassed) early++;
      [previous, current] = [current, new Map()];
    }
    isBegun = true;
  };

  const classify = (rows: readonly Row[], limits: CallLimits): Sighting[] => {
    rotate(limits.windowPassed);
    const sightings = rows.map(({ id, revision }): Sighting => {
      const known = current.get(id) ?? previous.get(id);
      if (known === undefined) return 'new';
      return known === revision || limits.ignoreCorrections ? 'known' : 'correction';
    });
    for (const { id } of rows) {
      const older = previous.get(id);
      if (older !== undefined && !current.has(id)) current.set(id, older);
    }
    return sightings;
  };

  const chooseVictims = (priority: PriorityClass, mode: OverflowMode, shortage: number): ModelChunk[] | null => {
    const candidates = [...chunks.values()]
      .filter((chunk) => chunk.priority >= priority && !chunk.keep && !isHeld(chunk.chunkId))
      .sort((a, b) =>
        mode === 'drop_lowest' && a.priority !== b.priority ? b.priority - a.priority : a.number - b.number,
      );
    const victims: ModelChunk[] = [];
    for (let freed = 0; freed < shortage; ) {
      const victim = candidates.shift();
      if (victim === undefined) return null;
      victims.push(victim);
      freed += leftOf(victim);
    }
    return victims;
  };

  return {
    chunks,
    setAside,
    lookup: classify,
    remember: (rows: readonly Row[]): void => {
      isBegun = true;
      for (const { id, revision } of rows) current.set(id, revision);
    },
    admit: (
      request: { chunkId: string; priority: PriorityClass; mode: OverflowMode; keep: boolean; rows: readonly Row[] },
      limits: CallLimits,
    ): AdmitResult => {
      const { chunkId, priority, mode, keep, rows } = request;
      if (chunks.has(chunkId)) return { status: 'already' };
      const sightings = classify(rows, limits);
      const contents = rows.map(({ id, revision }, at): ModelContent => {
        const isLast = rows.findLastIndex((row) => row.id === id) === at;
        const isWanted = isLast && sightings[at] !== 'known';
        return { id, revision, done: !isWanted, correction: isWanted && sightings[at] === 'correction' };
      });
      const fresh = contents.filter((content) => !content.done);
      const known = rows.length - fresh.length;
      if (fresh.length === 0) return { status: 'known', known };

      const limit = sizes.maxRecords - (priority === 1 ? 0 : sizes.criticalReserve);
      const shortage = total() + fresh.length - limit;
      const evicted: EvictedChunk[] = [];
      if (shortage > 0) {
        if (mode === 'backpressure') return { status: 'full', known, total: total() };
        if (mode === 'reject') {
          drop(priority, 'rejected', fresh.length);
          return { status: 'rejected', dropped: fresh.length, known };
        }
        const victims = chooseVictims(priority, mode, shortage);
        if (victims === null) {
          drop(priority, 'no_room', fresh.length);
          for (const { id, revision } of fresh) current.set(id, revision);
          const kept = keepIfThereIsRoom({ chunkId, priority, number: 0, keep: false, contents });
          return { status: 'dropped', dropped: fresh.length, known, ...kept };
        }
        for (const victim of victims) {
          drop(victim.priority, 'evicted', leftOf(victim));
          chunks.delete(victim.chunkId);
          const kept = keepIfThereIsRoom(victim);
          evicted.push({ chunkId: victim.chunkId, records: leftOf(victim), priority: victim.priority, ...kept });
        }
      }
      chunks.set(chunkId, { chunkId, priority, number: ++admissions, keep, contents });
      for (const { id, revision } of fresh) current.set(id, revision);
      return { status: 'stored', stored: fresh.length, known, evicted };
    },
    settle: (chunkId: string, done: (index: number) => boolean, publishedNow: number): SettleResult => {
      const chunk = chunks.get(chunkId);
      if (chunk === undefined) return { status: 'gone' };
      const before = leftOf(chunk);
      for (const [index, content] of chunk.contents.entries()) if (done(index)) content.done = true;
      const left = leftOf(chunk);
      published += Math.min(publishedNow, before - left);
      if (left > 0) return { status: 'left', records: left };
      chunks.delete(chunkId);
      return { status: 'freed', records: before };
    },
    /** The same picture that `picture()` takes of Redis, reduced to what can be compared. */
    picture: () => ({
      chunks: [...chunks.values()]
        .sort((a, b) => a.priority - b.priority || a.number - b.number)
        .map((chunk) => ({
          chunkId: chunk.chunkId,
          score: chunk.priority * 2 ** 40 + chunk.number,
          keep: chunk.keep,
          remaining: leftOf(chunk),
          contents: chunk.contents,
        })),
      setAside: [...setAside.values()]
        .sort((a, b) => (a.chunkId < b.chunkId ? -1 : 1))
        .map((chunk) => ({ chunkId: chunk.chunkId, remaining: leftOf(chunk), contents: chunk.contents })),
      dropped: { ...dropped },
      published,
      early,
      current,
      previous,
    }),
  };
};
