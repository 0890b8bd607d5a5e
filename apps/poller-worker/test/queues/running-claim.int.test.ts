import { createLogger } from '@stream-manager/shared/observability/logger';
import { fleetKeys } from '@stream-manager/shared/queues/keys';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { createRunningClaims } from '../../src/queues/running-claim.ts';
import { openPollerBundle, type PollerBundle, sourceId } from '../poller-bundle.ts';

const claimsOf = (poller: PollerBundle) => {
  const logger = createLogger({ role: 'test', instance: 'test', level: 'silent' });
  const options = { keyPrefix: poller.keyPrefix, expiryMs: 2_000, renewalMs: 20 };
  return createRunningClaims({ redis: poller.redis, logger }, options);
};

describe('a claim', () => {
  it('is one job’s until it is released', async () => {
    await using poller = await openPollerBundle();
    const claims = claimsOf(poller);
    const claim = await claims.take(sourceId, 'one');
    expect(await claims.take(sourceId, 'two')).toBeNull();
    await claim!.release();
    await claim!.release();
    const next = await claims.take(sourceId, 'two');
    expect(next).not.toBeNull();
    // A late release of the first leaves the second alone.
    await claim!.release();
    expect(await poller.claimedBy()).toBe('two');
    await next!.release();
    expect(await poller.claimedBy()).toBeNull();
  });

  it('is renewed while it is held, also after Redis forgot it', async () => {
    await using poller = await openPollerBundle();
    const claim = await claimsOf(poller).take(sourceId, 'one');
    const key = fleetKeys(poller.keyPrefix).running(sourceId);
    await poller.redis.del(key);
    await waitUntil('the claim to be renewed', async () => (await poller.claimedBy()) === 'one');
    await poller.redis.pexpire(key, 500);
    await waitUntil('its time to be renewed', async () => (await poller.redis.pttl(key)) > 1_000);
    expect(claim!.lost.aborted).toBe(false);
    await claim!.release();
  });

  it('that another job has taken is lost, and is not taken back', async () => {
    await using poller = await openPollerBundle();
    const claim = await claimsOf(poller).take(sourceId, 'one');
    await poller.redis.set(fleetKeys(poller.keyPrefix).running(sourceId), 'two', 'PX', 60_000);
    await waitUntil('the loss to be seen', () => claim!.lost.aborted);
    await claim!.release();
    expect(await poller.claimedBy()).toBe('two');
  });

  it('that is abandoned stays, for the run that has the job now', async () => {
    await using poller = await openPollerBundle();
    const claim = await claimsOf(poller).take(sourceId, 'one');
    claim!.abandon();
    expect(await poller.claimedBy()).toBe('one');
  });

  it('of one source says nothing about another', async () => {
    await using poller = await openPollerBundle();
    const claims = claimsOf(poller);
    const one = await claims.take('a', 'one');
    const two = await claims.take('b', 'two');
    expect(one).not.toBeNull();
    expect(two).not.toBeNull();
    await Promise.all([one!.release(), two!.release()]);
  });
});
