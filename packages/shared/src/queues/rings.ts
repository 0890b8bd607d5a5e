// Rings: a message on a pub/sub channel after a job was added, so that a producer need not wait for its next round. They
// may be lost at any time; nothing depends on them. Listening takes a connection of its own, as pub/sub does.
import type { Redis } from 'ioredis';
import { messageOf } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import { fleetKeys } from './keys.ts';

/** Both ends of the bell. */
export interface Rings {
  /** Tells the fleet that a source has work. */
  readonly ring: (sourceId: string) => void;
  /** Calls back with the source of each ring; resolves with how to stop listening. */
  readonly listen: (onRing: (sourceId: string) => void) => Promise<() => Promise<void>>;
}

/** Creates the rings of a process. */
export const createRings = (
  deps: { readonly redis: Redis; readonly logger: Logger },
  options: { readonly keyPrefix: string },
): Rings => {
  const channel = fleetKeys(options.keyPrefix).ring;
  const report = (error: unknown): void => deps.logger.debug({ error: messageOf(error) }, 'ring lost');
  return {
    ring: (sourceId) => {
      deps.redis.publish(channel, sourceId).catch(report);
    },
    listen: async (onRing) => {
      const subscriber = deps.redis.duplicate();
      subscriber.on('error', report);
      subscriber.on('message', (_channel: string, sourceId: string) => onRing(sourceId));
      // Not waited for: without rings everything still goes, within a second. ioredis subscribes again by itself.
      subscriber.subscribe(channel).catch(report);
      return async () => subscriber.disconnect();
    },
  };
};
