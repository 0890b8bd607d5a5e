import { describe, expect, it } from 'vitest';
import { createClusterMetadata } from '../../src/kafka/cluster-metadata.ts';
import type { MetadataAnswer } from '../../src/kafka/wire.ts';

/** Metadata whose reads are answered by hand. */
const setUp = () => {
  const reads: { readonly names: readonly string[]; answer(): void; fail(error: Error): void }[] = [];
  const metadata = createClusterMetadata(
    {
      metadata: (names) => {
        const { promise, resolve, reject } = Promise.withResolvers<MetadataAnswer>();
        const partitions = [{ partition: 0, errorCode: 0, leader: 0, replicas: 1 }];
        reads.push({
          names,
          answer: () =>
            resolve({
              controllerId: 0,
              brokers: [{ nodeId: 0, host: 'fake', port: 9_000 }],
              topics: names.map((topic) => ({ topic, errorCode: topic === 'gone' ? 3 : 0, partitions })),
            }),
          fail: reject,
        });
        return promise;
      },
      learn: () => {},
    },
    { maxAgeMs: 60_000, now: () => 0 },
  );
  return { metadata, reads };
};

const silent = new Error('no broker answers');
const names = Array.from({ length: 20 }, (_, n) => `topic-${n}`);

describe('many who ask at once', () => {
  it('wait for two reads at most: the one on its way, and one for all the others', async () => {
    const { metadata, reads } = setUp();
    const asking = names.map((name) => metadata.topics([name]));
    expect(reads.map((read) => read.names)).toEqual([['topic-0']]);
    reads[0]?.answer();
    await asking[0];
    await expect.poll(() => reads.length).toBe(2);
    expect(reads[1]?.names).toEqual(names.slice(1));
    reads[1]?.answer();
    const answers = await Promise.all(asking);
    for (const [at, name] of names.entries()) expect(answers[at]?.get(name)).toMatchObject({ topic: name });
    expect(reads).toHaveLength(2);
  });

  it('share the failure of the read that they wait behind; who comes later asks anew', async () => {
    const { metadata, reads } = setUp();
    const asking = names.map((name) => metadata.topics([name]));
    reads[0]?.fail(silent);
    const ends = await Promise.allSettled(asking);
    expect(ends).toEqual(names.map(() => ({ status: 'rejected', reason: silent })));
    expect(reads).toHaveLength(1);
    const later = metadata.topics(['topic-3']);
    expect(reads[1]?.names).toEqual(['topic-3']);
    reads[1]?.answer();
    expect((await later).get('topic-3')).toMatchObject({ topic: 'topic-3' });
  });

  it('find in the first read what it brought them', async () => {
    const { metadata, reads } = setUp();
    const asking = [metadata.topics(['a']), metadata.topics(['a']), metadata.topics(['a', 'b', 'gone'])];
    reads[0]?.answer();
    await expect.poll(() => reads.length).toBe(2);
    expect(reads[1]?.names).toEqual(['b', 'gone']);
    reads[1]?.answer();
    const [, second, third] = await Promise.all(asking);
    expect(second?.get('a')).toMatchObject({ topic: 'a' });
    expect([...(third?.keys() ?? [])].toSorted()).toEqual(['a', 'b', 'gone']);
    expect(third?.get('gone')).toBeInstanceOf(Error);
  });
});
