import { outgoingRecord } from '@stream-manager/testkit/contracts/kafka-port';
import { createMemoryKafka } from '@stream-manager/testkit/contracts/memory-kafka';
import { describe, expect, it } from 'vitest';
import type { KafkaAdminPort } from '../../src/kafka/port.ts';
import { abandonedAfterMs, createCommitWatch } from '../../src/lag/abandoned-groups.ts';
import { renewGroupsMs, renewNoGroupsMs } from '../../src/lag/groups-of.ts';
import { createLagReader, type LagReader } from '../../src/lag/sample-lag.ts';

/** A Kafka in memory with topics of one partition, `count` records each, and an admin that counts its calls. */
const setUp = async (topics: Readonly<Record<string, number>>) => {
  const kafka = createMemoryKafka();
  const admin = kafka.port.createAdmin();
  const producer = kafka.port.createProducer();
  for (const [topic, count] of Object.entries(topics)) {
    await admin.createTopics([{ topic, partitions: 1, replicationFactor: -1, config: {} }]);
    await producer.publish(Array.from({ length: count }, (_, n) => outgoingRecord(topic, n)));
  }
  const calls: string[] = [];
  const failing = new Set<string>();
  const refusing = new Map<string, Error>();
  const silent = new Set<string>();
  const note = async (call: string): Promise<void> => {
    calls.push(call);
    if (silent.has(call)) await new Promise(() => {});
    const error = refusing.get(call);
    if (error !== undefined) throw error;
    if (failing.has(call)) throw new Error(`no ${call}`);
  };
  const watched: Pick<KafkaAdminPort, 'listGroups' | 'committedOffsets' | 'endOffsets'> = {
    listGroups: async () => {
      await note('groups');
      return admin.listGroups();
    },
    committedOffsets: async (group, names) => {
      await note(`commits ${group}`);
      return admin.committedOffsets(group, names);
    },
    endOffsets: async (topic) => {
      await note(`ends ${topic}`);
      return admin.endOffsets(topic);
    },
  };
  const clock = { ms: 1_000_000 };
  const watch = createCommitWatch();
  let unasked: readonly string[] = [];
  const noteUnasked = (failures: ReadonlyMap<string, string>): void => {
    unasked = [...failures].map(([group, why]) => `${group}: ${why}`);
  };
  const ofReader = createLagReader({ admin: watched, watch, noteUnasked, now: () => clock.ms });
  const reader = {
    read: (
      topicsBySource: Parameters<LagReader['read']>[0],
      groups: Parameters<LagReader['read']>[1],
      signal = new AbortController().signal,
    ) => ofReader.read(topicsBySource, groups, clock.ms, signal),
  };
  return { kafka, admin, reader, watch, calls, failing, refusing, silent, clock, unasked: () => unasked };
};

/** What the admin answers of a group whose coordinator is away, and of one that it may not see. */
const coordinatorAway = Object.assign(new Error('its coordinator is away'), {
  type: 'GROUP_COORDINATOR_NOT_AVAILABLE',
});
const forbidden = Object.assign(new Error('not allowed to describe it'), { type: 'GROUP_AUTHORIZATION_FAILED' });

const sources = (topics: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(topics));

describe('a sample of lag', () => {
  it('is the worst group of a source: its topics added, the groups not', async () => {
    const { kafka, reader } = await setUp({ a: 10, b: 20 });
    await kafka.commit('slow', 'a', { 0: 4 });
    await kafka.commit('slow', 'b', { 0: 5 });
    await kafka.commit('quick', 'a', { 0: 9 });
    const lag = (await reader.read(sources({ s: ['a', 'b'] }), 'auto')).get('s');
    expect(lag).toEqual({
      records: 21,
      group: 'slow',
      topic: 'b',
      perGroup: [
        { group: 'slow', topic: 'a', lag: 6, lostToRetention: 0 },
        { group: 'slow', topic: 'b', lag: 15, lostToRetention: 0 },
        { group: 'quick', topic: 'a', lag: 1, lostToRetention: 0 },
      ],
      abandoned: [],
      unreadable: [],
      uncommitted: [],
      ends: { a: 10, b: 20 },
      failure: null,
    });
  });

  it('reads each group and each topic once, whatever the number of sources', async () => {
    const { kafka, reader, calls } = await setUp({ a: 10, b: 20 });
    await kafka.commit('g', 'a', { 0: 4 });
    await kafka.commit('g', 'b', { 0: 4 });
    const many = new Map(Array.from({ length: 50 }, (_, n) => [`source-${n}`, n % 2 === 0 ? ['a'] : ['a', 'b']]));
    await reader.read(many, 'auto');
    calls.length = 0;
    const lags = await reader.read(many, 'auto');
    expect(lags.get('source-0')?.records).toBe(6);
    expect(lags.get('source-1')?.records).toBe(22);
    expect(calls.toSorted()).toEqual(['commits g', 'ends a', 'ends b']);
  });

  it('reads commits before ends, so that lag is never less than it was', async () => {
    const { kafka, reader, calls } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 4 });
    await reader.read(sources({ s: ['a'] }), ['g']);
    expect(calls).toEqual(['commits g', 'ends a']);
  });

  it('is unknown, not none, when no group has a commit', async () => {
    const { reader } = await setUp({ a: 10 });
    const lag = (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    expect(lag).toMatchObject({ records: null, group: null, topic: null, perGroup: [], failure: null });
  });

  it('counts named groups only, and takes names per source', async () => {
    const { kafka, reader } = await setUp({ a: 10 });
    await kafka.commit('one', 'a', { 0: 8 });
    await kafka.commit('two', 'a', { 0: 1 });
    const topics = sources({ named: ['a'], found: ['a'], misspelt: ['a'] });
    const lags = await reader.read(
      topics,
      new Map([
        ['named', ['one']],
        ['misspelt', ['oen']],
      ]),
    );
    expect(lags.get('named')).toMatchObject({ records: 2, group: 'one' });
    expect(lags.get('found')).toMatchObject({ records: 9, group: 'two' });
    expect(lags.get('misspelt')).toMatchObject({ records: null, group: null, uncommitted: ['oen'] });
    expect(lags.get('named')?.uncommitted).toEqual([]);
  });

  it('leaves out a topic that does not exist', async () => {
    const { kafka, reader } = await setUp({ a: 10, b: 5 });
    await kafka.commit('g', 'a', { 0: 4 });
    await kafka.commit('g', 'b', { 0: 0 });
    await kafka.deleteTopic('b');
    const lag = (await reader.read(sources({ s: ['a', 'b'] }), 'auto')).get('s');
    expect(lag).toMatchObject({ records: 6, failure: null });
  });

  it('fails only for the sources that the failure concerns', async () => {
    const { kafka, reader, failing } = await setUp({ a: 10, b: 20 });
    await kafka.commit('g', 'a', { 0: 4 });
    await kafka.commit('g', 'b', { 0: 4 });
    failing.add('ends b');
    const lags = await reader.read(sources({ one: ['a'], two: ['a', 'b'] }), 'auto');
    expect(lags.get('one')).toMatchObject({ records: 6, failure: null });
    expect(lags.get('two')).toMatchObject({ records: null, group: null });
    expect(lags.get('two')?.failure).toContain('topic b');
  });

  it('says so when the groups cannot be listed, and keeps the list that it had', async () => {
    const { kafka, reader, failing, clock } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 4 });
    failing.add('groups');
    expect((await reader.read(sources({ s: ['a'] }), 'auto')).get('s')?.failure).toContain('cannot be listed');
    failing.clear();
    expect((await reader.read(sources({ s: ['a'] }), 'auto')).get('s')?.records).toBe(6);
    failing.add('groups');
    clock.ms += renewGroupsMs;
    expect((await reader.read(sources({ s: ['a'] }), 'auto')).get('s')?.records).toBe(6);
  });

  it('is a failure, not "no group", when the groups cannot be listed any more and none was known', async () => {
    const { reader, failing, clock } = await setUp({ a: 10 });
    const read = async () => (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    expect(await read()).toMatchObject({ records: null, failure: null });
    failing.add('groups');
    clock.ms += renewNoGroupsMs;
    expect((await read())?.failure).toContain('cannot be listed');
  });

  it('is a failure, not "no group", when the only group could not be asked for its commits', async () => {
    const { kafka, reader, refusing } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 4 });
    refusing.set(
      'commits g',
      Object.assign(new Error('its coordinator is away'), { type: 'NOT_COORDINATOR_FOR_GROUP' }),
    );
    const read = async () => (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    expect((await read())?.failure).toContain('its coordinator is away');
    refusing.clear();
    expect(await read()).toMatchObject({ records: 6, failure: null });
  });

  it('finds a new group within a minute, and within seconds while there is none', async () => {
    const { kafka, reader, clock } = await setUp({ a: 10 });
    const read = async () => (await reader.read(sources({ s: ['a'] }), 'auto')).get('s')?.group;
    expect(await read()).toBeNull();
    await kafka.commit('first', 'a', { 0: 4 });
    expect(await read()).toBeNull();
    clock.ms += renewNoGroupsMs;
    expect(await read()).toBe('first');
    await kafka.commit('second', 'a', { 0: 1 });
    clock.ms += renewGroupsMs - 1;
    expect(await read()).toBe('first');
    clock.ms += 1;
    expect(await read()).toBe('second');
  });

  it('ignores groups that were abandoned, unless they are named', async () => {
    const { kafka, reader, watch, clock } = await setUp({ a: 10 });
    await kafka.commit('left', 'a', { 0: 1 });
    await kafka.commit('alive', 'a', { 0: 8 });
    const topics = sources({ auto: ['a'], named: ['a'] });
    const groups = new Map([['named', ['left']]]);
    await reader.read(topics, groups);
    watch.recall(
      watch.remembered().map((commit) => ({ ...commit, movedAt: commit.movedAt - abandonedAfterMs })),
      clock.ms,
    );
    await kafka.commit('alive', 'a', { 0: 9 });
    clock.ms += 1;
    const lags = await reader.read(topics, groups);
    expect(lags.get('auto')).toMatchObject({ records: 1, group: 'alive', abandoned: ['left'] });
    expect(lags.get('named')).toMatchObject({ records: 9, group: 'left', abandoned: [] });
  });

  it('does not take a group for abandoned that is behind by the markers of transactions only', async () => {
    const { kafka, reader, watch, clock } = await setUp({ a: 10 });
    await kafka.commit('done', 'a', { 0: 9 });
    await reader.read(sources({ s: ['a'] }), 'auto');
    watch.recall(
      watch.remembered().map((commit) => ({ ...commit, movedAt: commit.movedAt - abandonedAfterMs })),
      clock.ms,
    );
    const lag = (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    expect(lag).toMatchObject({ records: 1, group: 'done', abandoned: [] });
  });

  it('forgets nothing of a group while Kafka cannot be read', async () => {
    const { kafka, reader, watch, failing, clock } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 4 });
    await reader.read(sources({ s: ['a'] }), 'auto');
    const before = watch.remembered();
    failing.add('commits g');
    clock.ms += 1_000;
    await reader.read(sources({ s: ['a'] }), 'auto');
    expect(before).toHaveLength(1);
    expect(watch.remembered()).toEqual(before);
  });

  it('tells the ends of the topics of a source that exist, before anybody has a commit on them', async () => {
    const { reader, failing } = await setUp({ a: 10, b: 20, c: 1 });
    const topics = sources({ one: ['a', 'b', 'gone'], two: ['c'] });
    const lags = await reader.read(topics, 'auto');
    expect(lags.get('one')).toMatchObject({ records: null, failure: null, ends: { a: 10, b: 20 } });
    expect(lags.get('two')).toMatchObject({ records: null, failure: null, ends: { c: 1 } });
    failing.add('ends a');
    const one = (await reader.read(topics, 'auto')).get('one');
    expect(one?.failure).toContain('topic a');
    expect(one?.ends).toEqual({ b: 20 });
  });

  it('adds the ends of all partitions, also of one that is added later', async () => {
    const { admin, kafka, reader } = await setUp({});
    await admin.createTopics([{ topic: 'a', partitions: 3, replicationFactor: -1, config: {} }]);
    await kafka.port.createProducer().publish(Array.from({ length: 60 }, (_, n) => outgoingRecord('a', n)));
    await kafka.commit('g', 'a', { 0: 0 });
    const read = async () => (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    // Partitions without a commit, in a group that has others, count from their beginning.
    expect(await read()).toMatchObject({ records: 60, ends: { a: 60 } });
  });

  it('is none, never below, on a topic that was made anew', async () => {
    const { kafka, admin, reader } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 8 });
    const read = async () => (await reader.read(sources({ s: ['a'] }), ['g'])).get('s');
    expect(await read()).toMatchObject({ records: 2, ends: { a: 10 } });
    await kafka.deleteTopic('a');
    expect(await read()).toMatchObject({ records: null, ends: {}, failure: null });
    await admin.createTopics([{ topic: 'a', partitions: 1, replicationFactor: -1, config: {} }]);
    await kafka.commit('g', 'a', { 0: 8 });
    expect(await read()).toMatchObject({ records: 0, ends: { a: 0 } });
  });

  it('tells what retention took before it was read', async () => {
    const { kafka, reader } = await setUp({ a: 10 });
    await kafka.commit('g', 'a', { 0: 2 });
    await kafka.deleteRecords('a', 0, 6);
    const lag = (await reader.read(sources({ s: ['a'] }), 'auto')).get('s');
    expect(lag?.perGroup).toEqual([{ group: 'g', topic: 'a', lag: 4, lostToRetention: 4 }]);
  });
});

describe('a group that cannot be read', () => {
  /** `fires` reads a, `both` reads a and b, `alone` reads c. */
  const setUpThree = async () => {
    const part = await setUp({ a: 10, b: 20, c: 30 });
    await part.kafka.commit('fires', 'a', { 0: 8 });
    await part.kafka.commit('both', 'a', { 0: 4 });
    await part.kafka.commit('both', 'b', { 0: 15 });
    await part.kafka.commit('alone', 'c', { 0: 29 });
    const topics = sources({ a: ['a'], b: ['b'], c: ['c'] });
    const read = async () => {
      const lags = await part.reader.read(topics, 'auto');
      return ['a', 'b', 'c'].map((id) => {
        const lag = lags.get(id);
        return lag?.failure ?? lag?.records ?? null;
      });
    };
    const unreadable = async () => (await part.reader.read(topics, 'auto')).get('a')?.unreadable;
    return { ...part, read, unreadable };
  };

  it('makes unknown the lag of the sources whose topics it reads, and of no other', async () => {
    const { read, refusing, clock } = await setUpThree();
    expect(await read()).toEqual([6, 5, 1]);
    refusing.set('commits alone', coordinatorAway);
    expect(await read()).toEqual([6, 5, 'offsets of group alone cannot be read: its coordinator is away']);
    // Also when the list is made anew meanwhile.
    clock.ms += renewGroupsMs;
    expect(await read()).toEqual([6, 5, expect.stringContaining('group alone')]);
    refusing.set('commits both', coordinatorAway);
    const ofBoth = expect.stringContaining('group both');
    expect(await read()).toEqual([ofBoth, ofBoth, expect.stringContaining('group alone')]);
    refusing.clear();
    expect(await read()).toEqual([6, 5, 1]);
  });

  it('and never could be asked counts for no source that another group reads, and makes the others unknown', async () => {
    const { read, refusing, calls, clock, unasked } = await setUpThree();
    refusing.set('commits both', coordinatorAway);
    expect(await read()).toEqual([2, 'group both cannot be asked what it reads: its coordinator is away', 1]);
    expect(unasked()).toEqual(['both: its coordinator is away']);
    calls.length = 0;
    await read();
    expect(calls).not.toContain('commits both');
    // It is asked again after a while, it alone, and counts with that very reading.
    clock.ms += renewNoGroupsMs;
    await read();
    refusing.clear();
    clock.ms += renewNoGroupsMs;
    calls.length = 0;
    expect(await read()).toEqual([6, 5, 1]);
    expect(unasked()).toEqual([]);
    expect(calls).not.toContain('groups');
  });

  it('for good is left out and told, as long as another group reads what it reads', async () => {
    const { read, refusing, clock, unreadable } = await setUpThree();
    await read();
    refusing.set('commits both', forbidden);
    const sentence = 'offsets of group both cannot be read: not allowed to describe it';
    for (const wait of [0, renewGroupsMs, renewGroupsMs]) {
      clock.ms += wait;
      expect(await read()).toEqual([2, sentence, 1]);
      expect(await unreadable()).toEqual([sentence]);
    }
    refusing.clear();
    expect(await read()).toEqual([6, 5, 1]);
    expect(await unreadable()).toEqual([]);
  });

  it('for good, and was never seen to read anything of ours, reads nothing, and is told', async () => {
    const { read, refusing, unasked } = await setUpThree();
    refusing.set('commits both', forbidden);
    expect(await read()).toEqual([2, null, 1]);
    expect(unasked()).toEqual(['both: not allowed to describe it']);
  });

  it('is still known to read what another process has seen it read', async () => {
    const { read, refusing, watch, clock } = await setUpThree();
    watch.recall([{ group: 'both', topic: 'a', committed: '4', movedAt: clock.ms }], clock.ms);
    refusing.set('commits both', coordinatorAway);
    expect(await read()).toEqual([expect.stringContaining('group both'), null, 1]);
    refusing.set('commits both', forbidden);
    expect(await read()).toEqual([2, null, 1]);
  });

  it('always makes the lag unknown where the operator has named it', async () => {
    const { reader, refusing } = await setUpThree();
    refusing.set('commits both', forbidden);
    const lag = (await reader.read(sources({ a: ['a'] }), ['fires', 'both'])).get('a');
    expect(lag).toMatchObject({ records: null, failure: expect.stringContaining('group both') });
  });

  it('is seen at once with its first commit on another of our topics', async () => {
    const { kafka, read } = await setUpThree();
    await read();
    await kafka.commit('fires', 'b', { 0: 1 });
    expect(await read()).toEqual([6, 19, 1]);
  });

  it('or the list of groups that does not come, ends with the process at once', async () => {
    const { reader, silent } = await setUpThree();
    for (const call of ['groups', 'commits fires', 'ends a']) {
      silent.clear();
      silent.add(call);
      const stopping = new AbortController();
      const reading = reader.read(sources({ a: ['a'] }), 'auto', stopping.signal);
      stopping.abort(new Error('stopped'));
      await expect(reading).rejects.toThrow('stopped');
    }
  });

  it('is not listed again with every reading while the list cannot be made', async () => {
    const { read, failing, calls, clock } = await setUpThree();
    await read();
    failing.add('groups');
    clock.ms += renewGroupsMs;
    calls.length = 0;
    for (let n = 0; n < 3; n++) expect(await read()).toEqual([6, 5, 1]);
    expect(calls.filter((call) => call === 'groups')).toHaveLength(1);
    clock.ms += renewNoGroupsMs;
    failing.clear();
    await read();
    expect(calls.filter((call) => call === 'groups')).toHaveLength(2);
  });
});
