// Config section `redis`: where the queues and all shared state live.
import { z } from 'zod';
import { anyNumber, flag, formedText } from '../fields.ts';

const isRedisAddress = (text: string): boolean => /^rediss?:\/\/[^\s]+$/.test(text) && URL.canParse(text);

export const redisSchema = z
  .strictObject({
    url: formedText(
      'Address of Redis 6.2 or later (or Valkey). `rediss://` uses TLS. User, password and database number stand in the address. `REDIS_URL` wins over it.',
      {
        expects: 'a redis:// or rediss:// address',
        fits: isRedisAddress,
      },
    ).default('redis://127.0.0.1:6379'),
    keyPrefix: formedText('First part of every key, so that several systems can use one Redis.', {
      expects: '1 to 32 letters, digits, underscores or hyphens',
      fits: /^[A-Za-z0-9_-]{1,32}$/,
    }).default('sm'),
    highWater: anyNumber(
      "Share of Redis' memory (`maxmemory`, or the machine's memory when that is 0) above which nothing more is admitted and only draining goes on.",
      { min: 0.1, max: 0.95 },
    ).default(0.75),
    allowUnsafe: flag(
      'Start although Redis may lose records (`maxmemory-policy` other than `noeviction`, or no append-only file): a loud warning instead of exit code 2.',
    ).default(false),
  })
  .describe('Where the queues and all shared state live.')
  .prefault({});
