import { describe, expect, it } from 'vitest';
import { highestBySource } from '../../src/operator-api.ts';
import { listSources, renderSources } from '../../src/sources/list.ts';
import { memoryOperator } from '../memory-operator.ts';
import { streamAnswer } from '../stream-answers.ts';

const now = Date.parse('2026-05-01T12:00:00.000Z');
const noon = { now, width: null, used: new Map<string, number>() };

describe('streamctl sources list', () => {
  it('shows when a source is polled, where, under which limits and what is odd about it', () => {
    const provider = { host: 'firms.example:443', breaker: 'half_open', until: null, failures: 5, error: 'refused' };
    const text = renderSources(
      [
        streamAnswer('firms', {
          nextPollAt: '2026-05-01T12:12:00.000Z',
          limits: { requestsPerMinute: 60, dailyBudget: 5_000 },
        }),
        streamAnswer('cron', { schedule: { everyMs: null, cron: '*/15 * * * *', tz: 'UTC' }, degraded: 'full' }),
        streamAnswer('pushed', { schedule: null, provider: null, limits: null, mode: 'continuous' }),
        streamAnswer('odd', {
          provider,
          conditions: [{ state: 'answers_but_stale', since: '2026-05-01T11:00:00.000Z', message: 'its newest is old' }],
          pollDelayed: {
            by: 'rate_limited',
            reason: 'a 429',
            since: '2026-05-01T11:59:00.000Z',
            until: '2026-05-01T12:00:45.000Z',
          },
        }),
      ],
      { ...noon, used: new Map([['firms', 1_234]]) },
    );
    const lines = text.split('\n');
    expect(lines[0]).toMatch(
      /^SOURCE +PROVIDER +TYPE +MODE +EVERY +NEXT POLL +STATE +CONDITIONS +LIMIT\/MIN +BUDGET\/DAY$/,
    );
    expect(lines[1]).toMatch(
      /^firms +firms.example:443 +nasa-firms +batch +15 min +in 12 min +running +– +60 +1,234 of 5,000$/,
    );
    expect(lines[2]).toMatch(/\*\/15 \* \* \* \* UTC +– +running, degraded/);
    expect(lines[3]).toMatch(/^pushed +– +nasa-firms +continuous +comes by itself +– +running +– +– +–$/);
    expect(lines[4]).toMatch(
      /firms.example:443 \(half open\).* in 45 s, waits: rate limited +running +answers_but_stale/,
    );
    expect(lines[6]).toBe('! odd answers_but_stale since 2026-05-01T11:00:00.000Z: its newest is old');
  });

  it('fits into 80 characters: columns that say nothing go first, names are cut last', () => {
    const provider = { host: '127.0.0.1:40691', breaker: 'closed', until: null, failures: 0, error: null };
    const nextPollAt = '2026-05-01T12:00:05.000Z';
    const streams = ['noaa-stations-california', 'noaa-stations-catalonia'].map((id) =>
      streamAnswer(id, { type: 'noaa-stations', mode: 'real-time', provider, nextPollAt }),
    );
    const lines = renderSources(streams, { ...noon, width: 80 })
      .trimEnd()
      .split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^SOURCE +PROVIDER +EVERY +NEXT POLL +STATE$/);
    expect(lines[1]).toMatch(/^noaa-stations-california +127.0.0.1:40691 +15 min /);
    expect(lines[3]).toBe('(no room for LIMIT/MIN, MODE, TYPE: --json has all)');
    const narrow = renderSources(streams, { ...noon, width: 50 })
      .trimEnd()
      .split('\n');
    expect(narrow[0]).toMatch(/^SOURCE +PROVIDER +NEXT POLL +STATE$/);
    expect(narrow[1]?.length).toBeLessThanOrEqual(50);
  });

  it('asks the fleet for its metrics only if a source has a budget', async () => {
    const without = memoryOperator();
    await listSources(without.api, { json: false, now, width: 120 });
    expect(without.calls).toEqual([]);
    const streams = [streamAnswer('firms', { limits: { requestsPerMinute: 60, dailyBudget: 5_000 } })];
    const { api, calls } = memoryOperator({ streams });
    const json = JSON.parse(await listSources(api, { json: true, now, width: null }));
    expect(json.sources).toMatchObject([{ id: 'firms', budgetUsed: 1_234, limits: { dailyBudget: 5_000 } }]);
    expect(calls).toEqual([['budgetsUsed']]);
  });

  it('says that there are none', () => {
    expect(renderSources([], noon)).toBe('there are no sources\n');
  });

  it('takes of what every process knows of a budget the newest, which is the highest', () => {
    const samples = [3, 7, 5].map((value) => ({ labels: { source: 'a', instance: String(value) }, value }));
    const metrics = [{ name: 'used', samples: [...samples, { labels: { source: 'b' }, value: 'NaN' }] }];
    expect(highestBySource({ metrics }, 'used')).toEqual(new Map([['a', 7]]));
    expect(highestBySource({ metrics }, 'other')).toEqual(new Map());
  });
});
