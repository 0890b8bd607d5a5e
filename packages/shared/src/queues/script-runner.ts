// Runs our Lua scripts by their hash, binary safe. After a restart Redis has forgotten every script, and a client that
// resends a call on a new connection meets the same: NOSCRIPT means "send the text once", never a failure.
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A Lua text with the hash under which Redis caches it. */
export interface LuaScript {
  readonly text: string;
  readonly sha: string;
}

/** Gives a Lua text its hash. */
export const luaScript = (text: string): LuaScript => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});

/** What a script answers: strings come as Buffers. */
export type ScriptReply = Buffer | number | null | readonly ScriptReply[];

/**
 * Runs a script; one round trip, two if Redis does not know it (yet, or any more). Rejects with what the script raised;
 * at `maxmemory` that is a message which starts with `OOM`, and then the script has changed nothing.
 */
export const runScript = async (
  redis: Redis,
  script: LuaScript,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<ScriptReply> => {
  try {
    // ioredis types every raw reply as unknown; callBuffer gives Buffers, numbers, null and arrays of these.
    return (await redis.callBuffer('EVALSHA', script.sha, keys.length, ...keys, ...args)) as ScriptReply;
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    // As above. Running it twice is impossible: NOSCRIPT says that it did not run.
    return (await redis.callBuffer('EVAL', script.text, keys.length, ...keys, ...args)) as ScriptReply;
  }
};

/** Reads a part of a reply as a list. Throws a TypeError if it is none: then script and reader do not belong together. */
export const listOf = (reply: ScriptReply | undefined): readonly ScriptReply[] => {
  if (reply === null || reply === undefined || typeof reply === 'number' || Buffer.isBuffer(reply))
    throw new TypeError(`a script answered ${String(reply)} where a list was expected`);
  return reply;
};

/** Reads a part of a reply as text. Throws a TypeError if it is none. */
export const textOf = (reply: ScriptReply | undefined): string => {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  throw new TypeError(`a script answered ${String(reply)} where text was expected`);
};

/** Reads a part of a reply as a number (Redis gives some as text). Throws a TypeError if it is none. */
export const numberOf = (reply: ScriptReply | undefined): number => {
  const value = Buffer.isBuffer(reply) ? Number(reply.toString('latin1')) : reply;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(`a script answered ${String(reply)} where a number was expected`);
};
