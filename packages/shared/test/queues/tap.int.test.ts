import { randomUUID } from 'node:crypto';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import { fleetKeys } from '../../src/queues/keys.ts';
import { createRedis } from '../../src/queues/redis.ts';
import { createTap, type TapBatch, tapRecordsPerSecond } from '../../src/queues/tap.ts';
import { createTapListener } from '../../src/queues/tap-listener.ts';

const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });

/** A sending and a listening end; the clock of the sender is the test's. */
const setup = async () => {
  const keyPrefix = `tap-${randomUUID().slice(0, 8)}`;
  const redis = createRedis(inject('redisUrl'), { name: keyPrefix, logger });
  await redis.connect();
  const clock = { nowMs: 10_000 };
  const commands: string[] = [];
  const counted = {
    get status() {
      return redis.status;
    },
    pipeline: () => {
      commands.push('look');
      return redis.pipeline();
    },
    publish: (channel: string, message: string) => {
      commands.push('publish');
      return redis.publish(channel, message);
    },
  };
  const tap = createTap({ redis: counted, logger, now: () => clock.nowMs }, { keyPrefix });
  const listener = createTapListener({ redis, logger }, { keyPrefix });
  const batches: TapBatch[] = [];
  return {
    tap,
    clock,
    commands,
    batches,
    redis,
    keyPrefix,
    listen: (sourceId: string) => listener.listen(sourceId, 'parse', (batch) => batches.push(batch)),
    records: () => batches.flatMap(({ records }) => records),
    [Symbol.asyncDispose]: async () => {
      await redis.unlink(fleetKeys(keyPrefix).tapped);
      redis.disconnect();
    },
  };
};

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const asIs = (record: unknown): unknown => record;

describe('the tap', () => {
  it('costs one look a second, and sends nothing, while nobody listens', async () => {
    await using part = await setup();
    let viewed = 0;
    for (const nowMs of [10_000, 10_300, 10_999, 11_000]) {
      part.clock.nowMs = nowMs;
      await part.tap.look();
      part.tap.show('fires', 'parse', numbers(1_000), () => (viewed += 1));
    }
    expect(part.commands).toEqual(['look', 'look']);
    expect(viewed).toBe(0);
  });

  it('shows what passes the border of the source that somebody listens to, and nothing else', async () => {
    await using part = await setup();
    const stop = await part.listen('fires');
    await part.tap.look();
    part.tap.show('alerts', 'parse', [1], asIs);
    part.tap.show('fires', 'dedupe', [2], asIs);
    part.tap.show('fires', 'parse', [3, 4], (number) => ({ number }));
    await waitUntil('what is shown', () => part.batches.length > 0);
    expect(part.batches).toEqual([{ records: [{ number: 3 }, { number: 4 }], skipped: 0 }]);
    await stop();
    part.clock.nowMs += 1_000;
    await part.tap.look();
    part.tap.show('fires', 'parse', [5], asIs);
    expect(part.commands.filter((command) => command === 'publish')).toHaveLength(1);
    expect(await part.redis.zcard(fleetKeys(part.keyPrefix).tapped)).toBe(0);
  });

  it('sends a hundred records a second, looks at no other, and counts them', async () => {
    await using part = await setup();
    const stop = await part.listen('fires');
    await part.tap.look();
    let viewed = 0;
    const show = (count: number) =>
      part.tap.show('fires', 'parse', numbers(count), (number) => {
        viewed += 1;
        return number;
      });
    show(60);
    show(10_000);
    show(5);
    part.clock.nowMs += 1_000;
    show(7);
    await waitUntil('what is shown', () => part.batches.length === 4);
    expect(part.batches.map(({ records, skipped }) => [records.length, skipped])).toEqual([
      [60, 0],
      [tapRecordsPerSecond - 60, 10_000 - (tapRecordsPerSecond - 60)],
      [0, 5],
      [7, 0],
    ]);
    expect(viewed).toBe(tapRecordsPerSecond + 7);
    await stop();
  });

  it('leaves out what is too large and what JSON cannot hold, and goes on', async () => {
    await using part = await setup();
    const stop = await part.listen('fires');
    await part.tap.look();
    part.tap.show('fires', 'parse', ['x'.repeat(2_000_000), 1n, 'small'], asIs);
    await waitUntil('what is shown', () => part.batches.length > 0);
    expect(part.batches).toEqual([{ records: ['small'], skipped: 2 }]);
    await stop();
  });

  it('does not count a listener who died: the mark has ended', async () => {
    await using part = await setup();
    const { tapped } = fleetKeys(part.keyPrefix);
    await part.redis.zadd(tapped, Date.now() - 120_000, 'parse:fires:dead');
    await part.tap.look();
    part.tap.show('fires', 'parse', [1], asIs);
    expect(part.commands).toEqual(['look']);
    const stop = await part.listen('fires');
    expect(await part.redis.zrange(tapped, 0, -1)).not.toContain('parse:fires:dead');
    const left = await part.redis.pttl(tapped);
    expect(left).toBeGreaterThan(0);
    await stop();
  });

  it('waits for no Redis that is away', async () => {
    await using part = await setup();
    part.redis.disconnect();
    await waitUntil('the end of the connection', () => part.redis.status === 'end');
    await part.tap.look();
    part.tap.show('fires', 'parse', [1], asIs);
    expect(part.commands).toEqual([]);
    await part.redis.connect();
  });
});
