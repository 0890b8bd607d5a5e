// The contract of the Kafka port: what every adapter, and the one in memory, has to do. Called inside a test file with a
// way to open the Kafka under test; each test has topics and groups of its own, so one Kafka serves all of them.
import { randomUUID } from 'node:crypto';
import { classifySendError } from '@stream-manager/shared/failures/send-outcome';
import { partitionOfKey } from '@stream-manager/shared/kafka/partition-of-key';
import type {
  KafkaAdminPort,
  KafkaProducerPort,
  OutgoingRecord,
  TopicDefinition,
} from '@stream-manager/shared/kafka/port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaUnderTest } from './kafka-under-test.ts';

/** A record as these tests send it: JSON value `{ n }`, id `record-<n>`. */
export const outgoingRecord = (topic: string, n: number, fields: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  topic,
  key: Buffer.from(`key-${n % 7}`),
  value: Buffer.from(JSON.stringify({ n })),
  timestampMs: 1_760_000_000_000 + n,
  recordId: `record-${n}`,
  sourceId: 'contract',
  ...fields,
});

/** Declares the suite. `open` is called once, before the first test. */
export const describeKafkaPort = (name: string, open: () => Promise<KafkaUnderTest>): void => {
  describe(`the Kafka port of ${name}`, () => {
    let kafka: KafkaUnderTest;
    let producer: KafkaProducerPort;
    let admin: KafkaAdminPort;

    beforeAll(async () => {
      kafka = await open();
      producer = kafka.port.createProducer();
      admin = kafka.port.createAdmin();
    });

    afterAll(async () => {
      await producer.close();
      await admin.close();
      await kafka.close();
    });

    const define = (fields: Partial<TopicDefinition> = {}): TopicDefinition => ({
      topic: `contract-${randomUUID()}`,
      partitions: 4,
      replicationFactor: -1,
      ...fields,
      // The records of these tests are older than a topic keeps them by default.
      config: { 'retention.ms': '-1', ...fields.config },
    });

    const makeTopic = async (fields: Partial<TopicDefinition> = {}): Promise<string> => {
      const definition = define(fields);
      await admin.createTopics([definition]);
      return definition.topic;
    };

    const range = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

    const idsIn = async (topic: string): Promise<readonly string[]> =>
      (await kafka.readTopic(topic)).map(({ headers }) => headers['record-id'] ?? '');

    describe('publishing', () => {
      it('writes key, value, timestamp and headers, each record to the partition of its key', async () => {
        const topic = await makeTopic();
        const records = range(40).map((n) => outgoingRecord(topic, n));
        expect(await producer.publish(records)).toEqual({ failures: [] });
        const stored = await kafka.readTopic(topic);
        expect(stored).toHaveLength(40);
        for (const record of stored) {
          const n = Number(record.headers['record-id']?.slice('record-'.length));
          expect(record).toMatchObject({
            key: `key-${n % 7}`,
            partition: partitionOfKey(Buffer.from(`key-${n % 7}`), 4),
            value: { n },
            timestamp: 1_760_000_000_000 + n,
          });
          expect(record.headers).toEqual({
            'record-id': `record-${n}`,
            'source-id': 'contract',
            'schema-version': '1',
          });
        }
      });

      it('keeps the order of a key', async () => {
        const topic = await makeTopic();
        await producer.publish(range(300).map((n) => outgoingRecord(topic, n, { key: Buffer.from('one') })));
        expect(await idsIn(topic)).toEqual(range(300).map((n) => `record-${n}`));
      });

      it('marks a correction with its revision', async () => {
        const topic = await makeTopic({ partitions: 1 });
        await producer.publish([outgoingRecord(topic, 1), outgoingRecord(topic, 1, { revision: 'b1946ac9' })]);
        const revisions = (await kafka.readTopic(topic)).map(({ headers }) => headers['revision']);
        expect(revisions).toEqual([undefined, 'b1946ac9']);
      });

      it('takes topics of any mixture in one call', async () => {
        const topics = [await makeTopic(), await makeTopic({ partitions: 1 }), await makeTopic({ partitions: 12 })];
        const records = range(90).map((n) => outgoingRecord(topics[n % 3] ?? '', n));
        expect(await producer.publish(records)).toEqual({ failures: [] });
        for (const [at, topic] of topics.entries()) {
          const expected = range(90).filter((n) => n % 3 === at);
          expect((await idsIn(topic)).toSorted()).toEqual(expected.map((n) => `record-${n}`).toSorted());
        }
      });

      it('serves calls that overlap', async () => {
        const topic = await makeTopic();
        const results = await Promise.all(
          range(12).map((call) => producer.publish(range(25).map((n) => outgoingRecord(topic, call * 25 + n)))),
        );
        expect(results.flatMap(({ failures }) => failures)).toEqual([]);
        expect((await idsIn(topic)).toSorted()).toEqual(
          range(300)
            .map((n) => `record-${n}`)
            .toSorted(),
        );
      });

      it('does nothing for no records', async () => {
        expect(await producer.publish([])).toEqual({ failures: [] });
      });

      it('reports a topic that does not exist for its records only, and does not make it', async () => {
        const topic = await makeTopic();
        const missing = `contract-${randomUUID()}`;
        const { failures } = await producer.publish(
          range(6).map((n) => outgoingRecord(n % 2 === 0 ? topic : missing, n)),
        );
        expect(failures.flatMap(({ indexes }) => indexes)).toEqual([1, 3, 5]);
        for (const { error } of failures) expect(classifySendError(error).outcome).toBe('destination');
        expect(await idsIn(topic)).toHaveLength(3);
        expect(await admin.listTopics()).not.toContain(missing);
      });

      it('reports a record that is too large alone, and writes its neighbours once', async () => {
        const topic = await makeTopic({ partitions: 1, config: { 'max.message.bytes': '20000' } });
        const noise = (n: number): string =>
          range(2_000)
            .map((at) => ((at * 7919 + n) % 104_729).toString(36))
            .join('');
        const records = range(30).map((n) =>
          outgoingRecord(topic, n, {
            value: Buffer.from(JSON.stringify(n === 11 ? { n, noise: range(20).map(noise).join('') } : { n })),
          }),
        );
        const { failures } = await producer.publish(records);
        expect(failures.map(({ indexes }) => indexes)).toEqual([[11]]);
        expect(classifySendError(failures[0]?.error)).toMatchObject({ outcome: 'poison', code: 'MESSAGE_TOO_LARGE' });
        const expected = range(30).filter((n) => n !== 11);
        expect(await idsIn(topic)).toEqual(expected.map((n) => `record-${n}`));
      });

      it('writes a batch that is larger than the topic takes, in parts', async () => {
        const topic = await makeTopic({ partitions: 1, config: { 'max.message.bytes': '100000' } });
        const records = range(90).map((n) =>
          outgoingRecord(topic, n, { value: Buffer.from(JSON.stringify({ n, filler: 'x'.repeat(2_000) })) }),
        );
        expect(await producer.publish(records)).toEqual({ failures: [] });
        expect(await idsIn(topic)).toEqual(range(90).map((n) => `record-${n}`));
      });

      it('goes on with other topics after one that it used was deleted', async () => {
        const [kept, deleted] = [await makeTopic(), await makeTopic()];
        await producer.publish([outgoingRecord(kept, 0), outgoingRecord(deleted, 0)]);
        await kafka.deleteTopic(deleted);
        const { failures } = await producer.publish([outgoingRecord(deleted, 1), outgoingRecord(kept, 1)]);
        expect(failures.map(({ indexes }) => indexes)).toEqual([[0]]);
        expect(await producer.publish([outgoingRecord(kept, 2)])).toEqual({ failures: [] });
        expect((await idsIn(kept)).toSorted()).toEqual(['record-0', 'record-1', 'record-2']);
      });

      it('writes nothing of a publish that is called off before it begins, and reports every record as stopped', async () => {
        const topic = await makeTopic();
        const { failures } = await producer.publish(
          range(5).map((n) => outgoingRecord(topic, n)),
          { signal: AbortSignal.abort() },
        );
        expect(failures.flatMap(({ indexes }) => indexes)).toEqual(range(5));
        for (const { error } of failures)
          expect(classifySendError(error)).toMatchObject({ outcome: 'outage', code: 'stopped' });
        expect(await producer.publish([outgoingRecord(topic, 5)])).toEqual({ failures: [] });
        expect(await idsIn(topic)).toEqual(['record-5']);
      });

      it('reports as stopped exactly what it does not write when it is called off on its way', async () => {
        const topic = await makeTopic();
        const calls = range(24).map((call) => {
          const calledOff = new AbortController();
          const records = range(20).map((n) => outgoingRecord(topic, call * 20 + n));
          const publishing = producer.publish(records, { signal: calledOff.signal });
          // After 0 to 7 turns of the loop: before, while and after it is handed over.
          const abortAfter = (turns: number): void =>
            void setImmediate(() => (turns > 1 ? abortAfter(turns - 1) : calledOff.abort()));
          if (call % 8 === 0) calledOff.abort();
          else abortAfter(call % 8);
          return { records, publishing };
        });
        const expected: string[] = [];
        for (const { records, publishing } of calls) {
          const { failures } = await publishing;
          for (const { error } of failures)
            expect(classifySendError(error)).toMatchObject({ outcome: 'outage', code: 'stopped' });
          const failed = new Set(failures.flatMap(({ indexes }) => indexes));
          for (const [index, { recordId }] of records.entries()) if (!failed.has(index)) expected.push(recordId);
        }
        expect((await idsIn(topic)).toSorted()).toEqual(expected.toSorted());
      });

      it('says which timestamps a topic takes, and refuses a record of any other time alone', async () => {
        const day = 86_400_000;
        const bounds = { 'message.timestamp.before.max.ms': `${day}`, 'message.timestamp.after.max.ms': '60000' };
        const bounded = await makeTopic({ partitions: 1, config: bounds });
        const stamped = await makeTopic({ config: { ...bounds, 'message.timestamp.type': 'LogAppendTime' } });
        const missing = `contract-${randomUUID()}`;
        const unbounded = { beforeMaxMs: Number.POSITIVE_INFINITY, afterMaxMs: Number.POSITIVE_INFINITY };
        expect(await producer.timestampBounds([bounded, stamped, missing])).toEqual(
          new Map([
            [bounded, { beforeMaxMs: day, afterMaxMs: 60_000 }],
            [stamped, unbounded],
            [missing, unbounded],
          ]),
        );
        const now = Date.now();
        const times = [now, now - day / 2, now - 2 * day, now, now + 30_000, now + day, now];
        const { failures } = await producer.publish(
          times.map((timestampMs, n) => outgoingRecord(bounded, n, { timestampMs })),
        );
        expect(failures.flatMap(({ indexes }) => indexes).toSorted((a, b) => a - b)).toEqual([2, 5]);
        for (const { error } of failures)
          expect(classifySendError(error)).toMatchObject({ outcome: 'poison', code: 'INVALID_TIMESTAMP' });
        expect(await idsIn(bounded)).toEqual([0, 1, 3, 4, 6].map((n) => `record-${n}`));
      });

      it('takes any time where no broker says which', async () => {
        const lonely = kafka.unreachablePort.createProducer();
        expect(await lonely.timestampBounds(['any'])).toEqual(
          new Map([['any', { beforeMaxMs: Number.POSITIVE_INFINITY, afterMaxMs: Number.POSITIVE_INFINITY }]]),
        );
        await lonely.close();
      });

      it('reports every record when no broker answers, and is not reachable then', async () => {
        const lonely = kafka.unreachablePort.createProducer();
        expect(lonely.isReachable()).toBeNull();
        const { failures } = await lonely.publish(range(3).map((n) => outgoingRecord('any', n)));
        expect(failures.flatMap(({ indexes }) => indexes)).toEqual([0, 1, 2]);
        for (const { error } of failures) expect(classifySendError(error).outcome).toBe('outage');
        expect(lonely.isReachable()).toBe(false);
        await lonely.close();
      });

      it('reports every record after it was closed, however often', async () => {
        const topic = await makeTopic();
        const other = kafka.port.createProducer();
        expect(await other.publish([outgoingRecord(topic, 0)])).toEqual({ failures: [] });
        expect(other.isReachable()).toBe(true);
        await other.close();
        await other.close();
        const { failures } = await other.publish([outgoingRecord(topic, 1)]);
        expect(failures.flatMap(({ indexes }) => indexes)).toEqual([0]);
        expect(await idsIn(topic)).toEqual(['record-0']);
      });
    });

    describe('topics', () => {
      it('are made as defined, and described', async () => {
        const definition = define({
          partitions: 3,
          config: { 'max.message.bytes': '54321', 'retention.ms': '3600000' },
        });
        expect(await admin.createTopics([definition])).toEqual(new Map([[definition.topic, true]]));
        expect(await admin.listTopics()).toContain(definition.topic);
        const described = await admin.describeTopics([definition.topic, 'there-is-no-such-topic']);
        expect(described).toHaveLength(1);
        expect(described[0]).toMatchObject({ topic: definition.topic, partitions: 3, replicationFactor: 1 });
        expect(described[0]?.config).toMatchObject(definition.config);
      });

      it('are never altered when they exist', async () => {
        const definition = define({ partitions: 2 });
        await admin.createTopics([definition]);
        const other = { ...definition, partitions: 9, config: { 'max.message.bytes': '54321' } };
        expect(await admin.createTopics([other])).toEqual(new Map([[definition.topic, false]]));
        const [described] = await admin.describeTopics([definition.topic]);
        expect(described?.partitions).toBe(2);
        expect(described?.config['max.message.bytes']).not.toBe('54321');
      });

      it('are made once by several who try at the same time', async () => {
        const definition = define();
        const admins = range(4).map(() => kafka.port.createAdmin());
        const made = await Promise.all(admins.map((one) => one.createTopics([definition])));
        expect(made.filter((answer) => answer.get(definition.topic) === true)).toHaveLength(1);
        for (const one of admins) await one.close();
      });

      it('that cannot be made are named in the error', async () => {
        await expect(admin.createTopics([define({ topic: 'not a topic name' })])).rejects.toThrow('not a topic name');
      });

      it('need nothing for an empty list', async () => {
        expect(await admin.createTopics([])).toEqual(new Map());
        expect(await admin.describeTopics([])).toEqual([]);
      });
    });

    describe('offsets', () => {
      it('of the ends are those of each partition, and null for a topic that does not exist', async () => {
        const topic = await makeTopic({ partitions: 2 });
        const keyOf = (partition: number): Buffer =>
          Buffer.from(
            range(100)
              .map(String)
              .find((key) => partitionOfKey(Buffer.from(key), 2) === partition) ?? '',
          );
        await producer.publish(range(5).map((n) => outgoingRecord(topic, n, { key: keyOf(n < 3 ? 0 : 1) })));
        await kafka.deleteRecords(topic, 0, 2);
        expect(await admin.endOffsets(topic)).toEqual([
          { partition: 0, low: 2n, high: 3n },
          { partition: 1, low: 0n, high: 2n },
        ]);
        expect(await admin.endOffsets(`contract-${randomUUID()}`)).toBeNull();
      });

      it('of the ends go on for other topics after one was deleted', async () => {
        const [kept, deleted] = [await makeTopic({ partitions: 1 }), await makeTopic({ partitions: 1 })];
        expect(await admin.endOffsets(deleted)).toHaveLength(1);
        expect(await admin.endOffsets(kept)).toHaveLength(1);
        await kafka.deleteTopic(deleted);
        expect(await admin.endOffsets(deleted)).toBeNull();
        await producer.publish([outgoingRecord(kept, 0)]);
        expect(await admin.endOffsets(kept)).toEqual([{ partition: 0, low: 0n, high: 1n }]);
      });

      it('that a group committed are given by topic, null where it did not', async () => {
        const topic = await makeTopic({ partitions: 3 });
        const other = await makeTopic({ partitions: 1 });
        const group = `contract-${randomUUID()}`;
        await producer.publish(range(20).map((n) => outgoingRecord(topic, n)));
        await kafka.commit(group, topic, { 0: 0, 2: 3 });
        const missing = `contract-${randomUUID()}`;
        expect(await admin.committedOffsets(group, [topic, other, missing])).toEqual(
          new Map([
            [
              topic,
              [
                { partition: 0, offset: 0n },
                { partition: 1, offset: null },
                { partition: 2, offset: 3n },
              ],
            ],
            [other, [{ partition: 0, offset: null }]],
          ]),
        );
        expect(await admin.listGroups()).toContain(group);
      });

      it('of a group that nobody has heard of are null', async () => {
        const topic = await makeTopic({ partitions: 1 });
        const committed = await admin.committedOffsets(`contract-${randomUUID()}`, [topic]);
        expect(committed).toEqual(new Map([[topic, [{ partition: 0, offset: null }]]]));
      });

      it('cannot be read when no broker answers', async () => {
        const lonely = kafka.unreachablePort.createAdmin();
        const error = await lonely.endOffsets('any').catch((thrown: unknown) => thrown);
        expect(classifySendError(error).outcome).toBe('outage');
        await lonely.close();
      });
    });
  });
};
