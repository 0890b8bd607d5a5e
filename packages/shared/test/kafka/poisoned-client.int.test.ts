// A deleted topic makes kafkajs' own producer and admin fail for all other topics, once their metadata is a little old
// (tulios/kafkajs#1622, #651, #1759). Here the metadata is asked for anew on every call, so that it shows at once.
import { randomUUID } from 'node:crypto';
import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { openRealKafka } from '@stream-manager/testkit/contracts/real-kafka';
import { describe, expect, inject, it } from 'vitest';
import { bothAdapters } from './both-adapters.ts';

describe.each(bothAdapters)('after a topic was deleted that producer and admin of $client have used', ({ open }) => {
  it('both go on with the others, also when all metadata is read anew', async () => {
    const kafka = openRealKafka(inject('kafkaBrokers'), (brokers) =>
      open({ brokers, timeouts: { metadataMaxAgeMs: 0 } }),
    );
    const [kept, deleted] = [`poisoned-${randomUUID()}`, `poisoned-${randomUUID()}`];
    const producer = kafka.port.createProducer();
    const admin = kafka.port.createAdmin();
    await admin.createTopics(
      [kept, deleted].map((topic) => ({ topic, partitions: 2, replicationFactor: -1, config: {} })),
    );
    expect(await producer.publish([outgoingRecord(kept, 0), outgoingRecord(deleted, 0)])).toEqual({ failures: [] });
    expect((await admin.committedOffsets('nobody', [kept, deleted])).size).toBe(2);

    await kafka.deleteTopic(deleted);

    for (let n = 1; n <= 3; n++) expect(await producer.publish([outgoingRecord(kept, n)])).toEqual({ failures: [] });
    expect(await admin.endOffsets(kept)).toHaveLength(2);
    expect(await admin.endOffsets(deleted)).toBeNull();
    expect((await admin.describeTopics([kept, deleted])).map(({ topic }) => topic)).toEqual([kept]);
    expect([...(await admin.committedOffsets('nobody', [kept, deleted])).keys()]).toEqual([kept]);
    expect(await kafka.readTopic(kept)).toHaveLength(4);
    await producer.close();
    await admin.close();
    await kafka.close();
  });
});
