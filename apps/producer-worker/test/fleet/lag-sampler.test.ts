import type { SourceLag } from '@stream-manager/shared/lag/source-lag';
import type { LagState } from '@stream-manager/shared/queues/source-state';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createLagSampler, lagHoldsMs, lagStateOf } from '../../src/fleet/lag-sampler.ts';
import { noon } from '../chunks.ts';

const lag = (changes: Partial<SourceLag> = {}): SourceLag => ({
  records: 7,
  group: 'readers',
  topic: 'fires',
  perGroup: [{ group: 'readers', topic: 'fires', lag: 7, lostToRetention: 0 }],
  abandoned: [],
  failure: null,
  sampledAt: noon,
  ...changes,
});

const setup = () => {
  const lags = new Map<string, SourceLag>();
  const asked: unknown[] = [];
  const kept = new Map<string, LagState>();
  const recorded: ReadonlyMap<string, LagState>[] = [];
  const lines: string[] = [];
  const sample = createLagSampler(
    {
      reader: {
        read: async (topics, groups) => {
          asked.push([topics, groups]);
          return lags;
        },
      },
      record: async (states) => {
        recorded.push(states);
        for (const [sourceId, state] of states) kept.set(sourceId, state);
      },
      last: async (sourceIds) => new Map(sourceIds.map((id) => [id, { lag: kept.get(id) ?? null }])),
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) }),
    },
    [
      { id: 'a', topics: ['fires'], groups: 'auto' },
      { id: 'b', topics: ['alerts'], groups: ['readers'] },
    ],
  );
  return { sample, lags, asked, kept, recorded, lines };
};

describe('createLagSampler', () => {
  it('samples all sources over their topics and groups, and keeps what it read', async () => {
    const { sample, lags, asked, recorded, lines } = setup();
    lags.set('a', lag());
    lags.set('b', lag({ records: null, group: null, topic: null, perGroup: [] }));
    await sample();
    expect(asked).toEqual([
      [
        new Map([
          ['a', ['fires']],
          ['b', ['alerts']],
        ]),
        new Map<string, unknown>([
          ['a', 'auto'],
          ['b', ['readers']],
        ]),
      ],
    ]);
    const sampledAt = '2026-05-01T12:00:00.000Z';
    expect(recorded).toEqual([
      new Map([
        [
          'a',
          {
            records: 7,
            group: 'readers',
            topic: 'fires',
            sampledAt,
            groups: [{ group: 'readers', topic: 'fires', records: 7 }],
          },
        ],
        ['b', { records: null, group: null, topic: null, sampledAt, groups: [] }],
      ]),
    ]);
    expect(lines).toEqual([]);
  });

  it('leaves the last sample of a source whose lag cannot be read, and says so once', async () => {
    const { sample, lags, recorded, lines } = setup();
    lags.set('a', lag({ records: null, failure: 'connect ECONNREFUSED' }));
    await sample();
    await sample();
    expect(recorded).toEqual([]);
    lags.set('a', lag());
    await sample();
    expect(recorded.map((states) => [...states.keys()])).toEqual([['a']]);
    expect(lines).toEqual(['consumer lag is not wholly known', 'consumer lag is known again']);
  });

  it('makes the lag of a source unknown, with the time of its last sample, once it could not be read for 30 s', async () => {
    const { sample, lags, kept, recorded } = setup();
    // Sampled by another process, before this one had the lease.
    kept.set('a', lagStateOf(lag()));
    kept.set('b', lagStateOf(lag({ sampledAt: noon + 1 })));
    const unreadable = { records: null, group: null, topic: null, perGroup: [], failure: 'connect ECONNREFUSED' };
    lags.set('a', lag({ ...unreadable, sampledAt: noon + lagHoldsMs }));
    lags.set('b', lag({ ...unreadable, sampledAt: noon + lagHoldsMs }));
    await sample();
    expect(recorded).toEqual([]);
    lags.set('a', lag({ ...unreadable, sampledAt: noon + lagHoldsMs + 1 }));
    lags.set('b', lag({ ...unreadable, sampledAt: noon + lagHoldsMs + 1 }));
    await sample();
    await sample();
    const unknown = { records: null, group: null, topic: null, sampledAt: '2026-05-01T12:00:00.000Z', groups: [] };
    expect(recorded).toEqual([new Map([['a', unknown]])]);
  });

  it('says when a group is ignored', async () => {
    const { sample, lags, recorded, lines } = setup();
    lags.set('a', lag({ abandoned: ['old'] }));
    await sample();
    expect(recorded).toHaveLength(1);
    expect(lines).toEqual(['consumer lag is not wholly known']);
  });
});
