// The heartbeat of a process in Redis: how the fleet is known. A key with expiry per instance and a sorted set of
// instances; a process that died is gone from the list after 15 s.
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { fleetKeys } from '../queues/keys.ts';
import { valuesOfPipeline } from '../queues/pipeline-replies.ts';
import type { Facts, ProcessFacts } from './facts.ts';
import type { Service } from './service.ts';

/** Who a process is. */
export interface Instance {
  /** host-pid-random: unique over the fleet and over restarts. */
  readonly id: string;
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

/** What a heartbeat says. */
export interface Heartbeat extends Instance, Facts {
  /** Port of its HTTP server. */
  readonly port: number;
  /** Where that is reached; absent from a process of an older version. */
  readonly address?: string;
  readonly configVersion: string;
  readonly startedAt: string;
  readonly at: string;
}

const intervalMs = 5_000;
const expiryMs = 15_000;

/** Names this process. */
export const createInstance = (role: string, version: string): Instance => ({
  id: `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`,
  role,
  host: hostname(),
  pid: process.pid,
  version,
});

/**
 * Beats every 5 s and after every change of the facts until stopped; a stop takes the instance off the list at once. A beat that Redis refuses is logged when
 * the reason changes and ends nothing: at `maxmemory` a process has to start and drain all the same.
 */
export const createHeartbeat = (
  deps: { readonly redis: Redis; readonly facts: ProcessFacts; readonly logger: Pick<Logger, 'warn' | 'info'> },
  options: {
    readonly keyPrefix: string;
    readonly instance: Instance;
    readonly port: number;
    readonly address: string;
    readonly configVersion: string;
  },
): Service => {
  const keys = fleetKeys(options.keyPrefix);
  const startedAt = new Date().toISOString();
  let timer: NodeJS.Timeout | undefined;
  const beat = async (): Promise<void> => {
    const now = Date.now();
    const heartbeat: Heartbeat = {
      ...options.instance,
      ...deps.facts.read(),
      port: options.port,
      address: options.address,
      configVersion: options.configVersion,
      startedAt,
      at: new Date(now).toISOString(),
    };
    const replies = await deps.redis
      .pipeline()
      .set(keys.heartbeat(options.instance.id), JSON.stringify(heartbeat), 'PX', expiryMs)
      .zadd(keys.heartbeats, now, options.instance.id)
      .exec();
    valuesOfPipeline(replies);
  };
  let trouble = '';
  const beatQuietly = async (): Promise<void> => {
    let message = '';
    try {
      await beat();
    } catch (error) {
      message = messageOf(error);
    }
    if (message === trouble) return;
    trouble = message;
    if (message === '') deps.logger.info('heartbeat is written again');
    else deps.logger.warn({ error: message }, 'heartbeat not written');
  };
  return {
    start: async () => {
      await beatQuietly();
      timer = setInterval(() => void beatQuietly(), intervalMs);
      deps.facts.onChange(() => void beatQuietly());
    },
    stop: async () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      deps.facts.onChange(() => {});
      if (deps.redis.status !== 'ready') return;
      await deps.redis
        .pipeline()
        .del(keys.heartbeat(options.instance.id))
        .zrem(keys.heartbeats, options.instance.id)
        .exec();
    },
  };
};

/** Every live process of the fleet; those that stopped beating are taken off the list. */
export const readFleet = async (redis: Redis, keyPrefix: string): Promise<readonly Heartbeat[]> => {
  const keys = fleetKeys(keyPrefix);
  const ids = await redis.zrange(keys.heartbeats, 0, -1);
  if (ids.length === 0) return [];
  const beats = await redis.mget(ids.map((id) => keys.heartbeat(id)));
  const dead = ids.filter((_id, index) => beats[index] === null);
  if (dead.length > 0) await redis.zrem(keys.heartbeats, ...dead);
  // Written by createHeartbeat only.
  return beats.filter((beat) => beat !== null).map((beat) => JSON.parse(beat) as Heartbeat);
};
