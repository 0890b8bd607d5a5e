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
  ends: { fires: 9 },
  failure: null,
  ...changes,
});

const decision = (action: ThrottleAction): ThrottleDecision => ({
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
});

const setup = () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info', base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { notes: createSampleNotes({ logger }), lines, messages: () => lines.map(({ msg }) => msg) };
};

describe('the notes of a sampler', () => {
  it('say once that a lag cannot be read, and once that it can again', () => {
    const { notes, messages } = setup();
    notes.read('a', lag());
    for (let n = 0; n < 3; n++) notes.read('a', lag({ records: null, failure: 'connect ECONNREFUSED' }));
    for (let n = 0; n < 3; n++) notes.read('a', lag());
    expect(messages()).toEqual(['consumer lag is not wholly known', 'consumer lag is known again']);
  });

  it('say which group is ignored', () => {
    const { notes, lines } = setup();
    notes.read('a', lag({ abandoned: ['old'] }));
    expect(lines).toMatchObject([{ sourceId: 'a', trouble: 'group old is ignored: no commit for a day' }]);
  });

  it('say which group is left out since it may not be read', () => {
    const { notes, lines } = setup();
    notes.read('a', lag({ unreadable: ['offsets of group map cannot be read: not allowed'], abandoned: ['old'] }));
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
    const { notes, lines, messages } = setup();
    for (const lostToRetention of [5, 6, 7])
      notes.read('a', lag({ perGroup: [{ group: 'slow', topic: 'fires', lag: 7, lostToRetention }] }));
    notes.read('a', lag({ perGroup: [], records: null, failure: 'ECONNREFUSED' }));
    notes.read('a', lag({ perGroup: [{ group: 'slow', topic: 'fires', lag: 7, lostToRetention: 8 }] }));
    notes.read('a', lag());
    expect(lines[0]).toMatchObject({ level: 40, sourceId: 'a', lost: 'group slow on fires' });
    expect(messages()).toEqual([
      'retention deletes records before a consumer group has read them',
      'consumer lag is not wholly known',
      'consumer lag is known again',
    ]);
  });

  it('say every change of action with its reason, and nothing while it stays', () => {
    const { notes, lines } = setup();
    const actions = ['none', 'throttle_moderate', 'throttle_moderate', 'throttle_critical', 'none', 'none'] as const;
    for (const action of actions) notes.decided('a', decision(action));
    notes.decided('a', decision('no_sample'));
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
    const { notes, messages } = setup();
    notes.recall('a', 'throttle_critical');
    notes.decided('a', decision('throttle_critical'));
    notes.decided('b', decision('throttle_critical'));
    notes.decided('a', decision('none'));
    expect(messages()).toEqual(['source is throttled hard', 'source is not throttled any more']);
  });
});
