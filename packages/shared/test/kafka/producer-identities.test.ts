import { describe, expect, it } from 'vitest';
import { createIdentities } from '../../src/kafka/producer-identities.ts';

const setUp = () => {
  let asked = 0;
  const failing = { isFailing: false };
  const identities = createIdentities(async () => {
    asked++;
    if (failing.isFailing) throw new Error('no broker answers');
    return { producerId: BigInt(asked), epoch: 0 };
  });
  return { identities, failing, asked: () => asked };
};

describe('the identities of a producer', () => {
  it('are one for all who ask, also at the same time', async () => {
    const { identities, asked } = setUp();
    const given = await Promise.all([identities.current(), identities.current()]);
    expect([...given, await identities.current()].map(({ producerId }) => producerId)).toEqual([1n, 1n, 1n]);
    expect(asked()).toBe(1);
  });

  it('are fresh after one was lost, and lost once only by all who had it', async () => {
    const { identities } = setUp();
    const first = await identities.current();
    identities.lose(first);
    const second = await identities.current();
    expect(second.producerId).toBe(2n);
    identities.lose(first);
    expect(await identities.current()).toBe(second);
  });

  it('that were asked for before a renewal serve only those who waited for them', async () => {
    const { identities } = setUp();
    const waiting = identities.current();
    identities.renew();
    expect((await identities.current()).producerId).toBe(2n);
    const early = await waiting;
    expect(early.producerId).toBe(1n);
    identities.lose(early);
    expect((await identities.current()).producerId).toBe(2n);
  });

  it('are asked for again after nobody gave one', async () => {
    const { identities, failing } = setUp();
    failing.isFailing = true;
    await expect(identities.current()).rejects.toThrow('no broker answers');
    failing.isFailing = false;
    expect((await identities.current()).producerId).toBe(2n);
  });
});
