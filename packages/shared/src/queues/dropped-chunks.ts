// Chunks that overflow dropped, between the admit that dropped them and their dead letters (queue.keepDropped). They lie
// outside the record cap, at most `maxRecords` records of a source. The poller whose admit dropped them makes the letters at
// once; what a killed one leaves is found here by whoever looks after the source.
import type { Redis } from 'ioredis';
import { type OverflowMode, overflowModes } from '../config/overflow-modes.ts';
import { payloadVersion } from '../records/payload.ts';
import { takenChunkOf, takenFields } from './chunk-replies.ts';
import type { TakenChunk } from './chunk-store.ts';
import { sourceKeys } from './keys.ts';
import { listOf, numberOf, runScript, textOf } from './script-runner.ts';
import { laterVersion, leaveDroppedScript, listDroppedScript, removeDroppedScript } from './scripts/dropped-chunks.ts';

/** Why a chunk was dropped: it made room for another, or it found none. */
export type DropReason = 'evicted' | 'no_room';

/** A chunk that was dropped. */
export interface DroppedChunk {
  readonly chunk: TakenChunk;
  readonly why: DropReason;
  /** `queue.overflow` at that time. */
  readonly mode: OverflowMode;
  /** In milliseconds since the epoch (Redis' clock). */
  readonly droppedAt: number;
}

/** The chunks set aside. Every method rejects with what Redis answered. */
export interface DroppedChunks {
  /** Ids of those that have lain there for so long at least and that nobody has left for a later version, the oldest first. */
  list(sourceId: string, forMs: number, limit: number): Promise<readonly string[]>;
  /** Null: its letters were made, by somebody else. */
  read(sourceId: string, chunkId: string): Promise<DroppedChunk | null>;
  /** Leaves a chunk to processes that know this payload version: the others do not find it any more. Again it does nothing. */
  leave(sourceId: string, chunkId: string, version: number): Promise<void>;
  /** Its letters lie there, or never will. Gives the records that were left in it; again it does nothing and gives 0. */
  remove(sourceId: string, chunkId: string): Promise<number>;
}

/** Creates them on a shared connection. `version`: the latest payload version that this process knows. */
export const createDroppedChunks = (redis: Redis, keyPrefix: string, version = payloadVersion): DroppedChunks => ({
  list: async (sourceId, forMs, limit) => {
    const places = [sourceKeys(keyPrefix, sourceId).droppedChunks];
    return listOf(await runScript(redis, listDroppedScript, places, [forMs, limit, version])).map(textOf);
  },
  read: async (sourceId, chunkId) => {
    const keys = sourceKeys(keyPrefix, sourceId);
    const [fields, droppedAt] = await Promise.all([
      redis.hmgetBuffer(keys.droppedChunk(chunkId), ...takenFields, 'why', 'mode'),
      redis.zscore(keys.droppedChunks, chunkId),
    ]);
    const chunk = takenChunkOf(chunkId, fields);
    if (chunk === null) return null;
    const [why, mode] = fields.slice(takenFields.length).map((field) => field?.toString('utf8'));
    return {
      chunk,
      why: why === 'evicted' ? 'evicted' : 'no_room',
      mode: overflowModes.find((known) => known === mode) ?? 'drop_oldest',
      droppedAt: Number(droppedAt ?? 0) % laterVersion,
    };
  },
  leave: async (sourceId, chunkId, needed) => {
    await runScript(redis, leaveDroppedScript, [sourceKeys(keyPrefix, sourceId).droppedChunks], [chunkId, needed]);
  },
  remove: async (sourceId, chunkId) => {
    const keys = sourceKeys(keyPrefix, sourceId);
    const places = [keys.droppedChunk(chunkId), keys.droppedChunks, keys.count];
    return numberOf(await runScript(redis, removeDroppedScript, places, [chunkId]));
  },
});
