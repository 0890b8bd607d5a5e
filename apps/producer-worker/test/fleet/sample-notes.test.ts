import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { ThrottleAction, ThrottleDecision } from '@stream-manager/shared/throttle/decision';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createSampleNotes } from '../../src/fleet/sample-notes.ts';

const lag = (changes: Partial<SourceLag> = {}): SourceLag => ({
  records: 7,
  group: 'readers',
  topic: 'fires',
  perGroup: [{ group: 'readers', topic: 'fires', lag: 7, lostToRetention: 0 }],
  abandoned: [],
  unreadable: [],
  uncommitted: [],
  ends: { fires: 9 },
  failure: null,
  ...changes,
});

const decision = (action: ThrottleAction, changes: Partial<ThrottleDecision> = {}): ThrottleDecision => ({
  action,
  level: 1,
  delayMs: 1_500,
  allowedRate: 66.6,
  lag: 7,
  averageLag: 7,
  targetRecords: 5,
  criticalRecords: 10,
  trendPerSecond: null,
  drainSeconds: null,
  reason: `because of ${action}`,
  ...changes,
});

const setup = (level: 'info' | 'debug' = 'info') => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level, base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const notes = createSampleNotes({ logger });
  return {
    notes,
    lines,
    messages: () => lines.map(({ msg }) => msg),
    read: (sourceId: string, of: SourceLag) => notes.read(new Map([[sourceId, of]])),
    decided: (sourceId: string, of: ThrottleDecision, isFullRate = of.action === 'none') =>
      notes.decided(new Map([[sourceId, { decision: of, isFullRate }]])),
  };
};

describe('the notes of a sampler', () => {
  it('say once that a lag cannot be read, and once that it can again', () => {
    const { read, messages } = setup();
    read('a', lag());
    for (let n = 0; n < 3; n++) read('a', lag({ records: null, failure: 'connect ECONNREFUSED' }));
    for (let n = 0; n < 3; n++) read('a', lag());
    expect(messages()).toEqual(['consumer lag is not wholly known', 'consumer lag is known again']);
  });

  it('say which group is ignored', () => {
    const { read, lines } = setup();
    read('a', lag({ abandoned: ['old'] }));
    expect(lines).toMatchObject([{ sourceId: 'a', trouble: 'group old is ignored: no commit for a day' }]);
  });

  it('say which of the groups that were named has no commit', () => {
    const { read, lines } = setup();
    read('a', lag({ uncommitted: ['redaers'] }));
    expect(lines).toMatchObject([
      {
        level: 40,
        trouble: 'group redaers (throttling.consumerGroups) is unknown or has no commit on the topics of the source',
      },
    ]);
  });

  it('say which group is left out since it may not be read', () => {
    const { read, lines } = setup();
    read('a', lag({ unreadable: ['offsets of group map cannot be read: not allowed'], abandoned: ['old'] }));
    expect(lines).toMatchObject([
      {
        level: 40,
        sourceId: 'a',
        trouble:
          'offsets of group map cannot be read: not allowed; it is left out; group old is ignored: no commit for a day',
      },
    ]);
  });

  it('say once which groups cannot be asked what they read, by name up to ten, and once that all can again', () => {
    const { notes, lines } = setup();
    const some = Array.from({ length: 12 }, (_, n) => `group-${n + 10}`);
    notes.unasked(new Map());
    for (let n = 0; n < 3; n++) notes.unasked(new Map(some.map((group) => [group, `not allowed, ${n}`])));
    notes.unasked(new Map([['group-10', 'not allowed']]));
    for (let n = 0; n < 3; n++) notes.unasked(new Map());
    expect(lines).toMatchObject([
      { level: 40, groups: some.slice(0, 10), count: 12, reason: 'not allowed, 0' },
      { level: 40, groups: ['group-10'], count: 1, reason: 'not allowed' },
      { level: 30, msg: 'all consumer groups can be asked again' },
    ]);
  });

  it('say once that retention takes what was not read, also when it cannot be read for a while', () => {
    const { read, lines, messages } = setup();
    for (const lostToRetention of [5, 6, 7])
      read('a', lag({ perGroup: [{ group: 'slow', topic: 'fires', lag: 7, lostToRetention }] }));
    read('a', lag({ perGroup: [], records: null, failure: 'ECONNREFUSED' }));
    read('a', lag({ perGroup: [{ group: 'slow', topic: 'fires', lag: 7, lostToRetention: 8 }] }));
    read('a', lag());
    expect(lines[0]).toMatchObject({ level: 40, sourceId: 'a', lost: 'group slow on fires' });
    expect(messages()).toEqual([
      'retention deletes records before a consumer group has read them',
      'consumer lag is not wholly known',
      'consumer lag is known again',
    ]);
  });

  it('say when a source is throttled, when hard, and when it is at full rate again, with the reason', () => {
    const { decided, lines } = setup();
    const actions = ['none', 'throttle_moderate', 'throttle_moderate', 'throttle_critical', 'none', 'none'] as const;
    for (const action of actions) decided('a', decision(action));
    decided('a', decision('no_sample'));
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'source is throttled'],
      [40, 'source is throttled hard'],
      [30, 'source is not throttled any more'],
      [40, 'no consumer group to follow: source goes at full rate'],
    ]);
    expect(lines[1]).toMatchObject({
      sourceId: 'a',
      reason: 'because of throttle_critical',
      lag: 7,
      throttleLevel: 1,
      allowedRate: 66.6,
      delayMs: 1_500,
    });
  });

  it('say nothing of what another process has said', () => {
    const { notes, decided, messages } = setup();
    notes.recall(
      new Map([
        ['a', { decision: decision('throttle_critical'), isFullRate: false }],
        ['c', { decision: decision('none'), isFullRate: false }],
        ['d', { decision: decision('no_sample'), isFullRate: true }],
      ]),
    );
    decided('c', decision('throttle_moderate'), false);
    decided('c', decision('none'));
    decided('d', decision('no_sample'), true);
    decided('a', decision('throttle_critical'));
    decided('b', decision('throttle_critical'));
    decided('a', decision('none'));
    expect(messages()).toEqual([
      'source is not throttled any more',
      'source is throttled hard',
      'source is not throttled any more',
    ]);
  });

  it('say of consumers that are slow for ever that the source is throttled, and not that it goes to and fro', () => {
    const { decided, lines, messages } = setup('debug');
    for (let n = 0; n < 50; n++) {
      decided('a', decision('throttle_moderate'), false);
      decided('a', decision('none'), false);
    }
    expect(lines.filter(({ level }) => level !== 20).map(({ msg }) => msg)).toEqual(['source is throttled']);
    expect(messages().filter((message) => message === 'throttle changes')).toHaveLength(99);
    decided('a', decision('none'));
    expect(messages().at(-1)).toBe('source is not throttled any more');
  });

  it('say that there is a group to follow where there was none', () => {
    const { decided, messages } = setup();
    decided('a', decision('no_sample'), true);
    decided('a', decision('none'));
    expect(messages()).toEqual([
      'no consumer group to follow: source goes at full rate',
      'source follows a consumer group',
    ]);
  });

  it('say one fault of the cluster in one line, however many sources there are, and its end in one', () => {
    const { notes, lines } = setup();
    const all = (of: SourceLag) => notes.read(new Map(Array.from({ length: 500 }, (_, n) => [`source-${n}`, of])));
    for (let n = 0; n < 3; n++) all(lag({ failure: 'connect ECONNREFUSED' }));
    for (let n = 0; n < 3; n++) all(lag());
    expect(lines).toMatchObject([
      { level: 40, count: 500, trouble: 'connect ECONNREFUSED', msg: 'consumer lag is not wholly known' },
      { level: 30, count: 500, msg: 'consumer lag is known again' },
    ]);
    expect(lines[0]?.['sources']).toEqual(Array.from({ length: 10 }, (_, n) => `source-${n}`));
  });

  it('say few different troubles apart, and many together', () => {
    const { notes, lines } = setup();
    const failures = (count: number) =>
      notes.read(new Map(Array.from({ length: count }, (_, n) => [`source-${n}`, lag({ failure: `topic ${n}` })])));
    failures(5);
    expect(lines.map(({ sourceId, trouble }) => [sourceId, trouble])).toEqual(
      Array.from({ length: 5 }, (_, n) => [`source-${n}`, `topic ${n}`]),
    );
    lines.length = 0;
    failures(60);
    expect(lines).toMatchObject([{ count: 55, trouble: 'topic 5; topic 6; topic 7; topic 8; topic 9' }]);
  });
});
