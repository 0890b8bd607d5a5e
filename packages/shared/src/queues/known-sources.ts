// Which sources the fleet has ever been configured with. A source that is removed or renamed may still hold records; its
// entry here is how its queues are found again, and how its records still go to the topic they were meant for.
// One hash of the fleet, source id → JSON. Nothing is deleted: an older process of a rolling deploy may still admit
// records for a source that the newer config no longer has. Bounded by the ids ever configured.
import type { Redis } from 'ioredis';
import { isTopicName } from '../config/fields.ts';
import { type Config, sourceIdPattern } from '../config/schema.ts';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { fleetKeys } from './keys.ts';
import { readStoredJson } from './stored-json.ts';

/** What is kept of a source: no secret, nothing that polls it. A newer version may know other types and modes. */
export interface KnownSource {
  readonly type: string;
  readonly mode: string;
  /** Its fixed topic; without one it is routed by the config as it is now. */
  readonly topic?: string;
}

/** Sources of an earlier config that the present one does not have, by id. */
export type RetiredSources = ReadonlyMap<string, KnownSource>;

/** At most this many characters of a type or a mode are believed. */
const longestName = 100;
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= longestName;

/** Reads one entry; null when it is none. Unknown fields are passed over. Pure. */
export const readKnownSource = (sourceId: string, json: string): KnownSource | null => {
  if (!sourceIdPattern.test(sourceId)) return null;
  const entry = readStoredJson(json);
  if (typeof entry !== 'object' || entry === null || !('type' in entry) || !('mode' in entry)) return null;
  const { type, mode } = entry;
  if (!isName(type) || !isName(mode)) return null;
  const topic = 'topic' in entry ? entry.topic : undefined;
  if (topic === undefined) return { type, mode };
  return typeof topic === 'string' && isTopicName(topic) ? { type, mode, topic } : null;
};

/** Field by field, so that no other value of the config (a secret) gets into Redis. */
const writeKnownSource = ({ type, mode, topic }: Config['sources'][string]): string =>
  // The mode may be the path of a module.
  JSON.stringify({ type, mode: mode.slice(0, longestName), topic });

/**
 * Notes the config's sources, and gives those of earlier configs that it does not have. Unreadable entries are passed
 * over with a warning. Writes only what differs; a Redis at its memory limit refuses that with a warning, because a
 * process must be able to start there to drain it.
 */
export const registerSources = async (
  deps: { readonly redis: Redis; readonly logger: Pick<Logger, 'warn'> },
  keyPrefix: string,
  config: Pick<Config, 'sources'>,
): Promise<RetiredSources> => {
  const key = fleetKeys(keyPrefix).sources;
  const known = new Map(Object.entries(await deps.redis.hgetall(key)));

  const changed = new Map<string, string>();
  for (const [sourceId, source] of Object.entries(config.sources)) {
    const json = writeKnownSource(source);
    if (known.get(sourceId) !== json) changed.set(sourceId, json);
  }
  if (changed.size > 0) {
    try {
      await deps.redis.hset(key, changed);
    } catch (error) {
      if (!messageOf(error).startsWith('OOM')) throw error;
      deps.logger.warn({ error: messageOf(error), sources: changed.size }, 'sources not noted: Redis is full');
    }
  }

  const retired = new Map<string, KnownSource>();
  for (const [sourceId, json] of known) {
    if (Object.hasOwn(config.sources, sourceId)) continue;
    const source = readKnownSource(sourceId, json);
    if (source === null) deps.logger.warn({ sourceId, key }, 'unreadable entry of a former source is passed over');
    else retired.set(sourceId, source);
  }
  return retired;
};
