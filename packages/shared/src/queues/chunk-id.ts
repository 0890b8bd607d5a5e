// Ids of chunks. A chunk's id is its BullMQ job id as well, so it has to be legal there: no colon, not digits alone.
import { randomBytes } from 'node:crypto';

/**
 * A fresh chunk id: 17 characters, unique over all processes (96 random bits).
 *
 * One per admit, never used again: under a reused id the settle of the old holder deletes the records of the new chunk.
 * The letter in front keeps it from being all digits, which BullMQ refuses.
 */
export const createChunkId = (): string => `c${randomBytes(12).toString('base64url')}`;
