import { describe, expect, it } from 'vitest';
import { type Picture, renderBlock, renderLine } from '../src/live-view.ts';

const picture: Picture = {
  streams: [
    {
      id: 'firms-california',
      type: 'nasa-firms',
      mode: 'batch',
      state: 'running',
      nextPollAt: null,
      lastPoll: { at: '2026-01-01T00:00:00.000Z', outcome: 'ok', records: 3, durationMs: 5, error: null },
      queued: { critical: 1, high: 1234, normal: 0, low: 0 },
      lag: {
        records: null,
        group: null,
        topic: null,
        sampledAt: null,
        ageMs: null,
        groups: [],
        abandonedGroups: [],
        trendPerSecond: null,
        drainSeconds: null,
      },
      pollDelayed: null,
      throttle: {
        action: 'no_sample',
        level: 0,
        delayMs: 0,
        allowedRate: 1,
        maxSendRate: 1,
        reason: 'never sampled',
        targetRecords: null,
        criticalRecords: null,
      },
      breaker: 'closed',
      published: 5678,
      deadLetters: 2,
      dropped: 0,
      degraded: null,
      schedule: null,
      provider: null,
      limits: null,
      conditions: [],
      newestObservationAt: null,
      cursor: null,
    },
  ],
  polls: new Map([['firms-california', 7]]),
  accepted: new Map([['firms-california', 1240]]),
  consumed: 5600,
  elapsedMs: 65_000,
  endsInMs: 5_000,
  dashboardUrl: 'http://d',
  apiUrl: 'http://a',
  problems: [],
};

describe('the live view', () => {
  it('shows per source polls, records in, queued by priority, published, dead letters and lag, and the addresses', () => {
    const lines = renderBlock(picture, 79);
    expect(lines[0]).toBe('StreamManager  01:05  ends in 00:05');
    expect(lines[2]?.split(/\s+/)).toEqual([
      'source',
      'polls',
      'in',
      'crit',
      'high',
      'norm',
      'low',
      'published',
      'dead',
      'lag',
    ]);
    expect(lines[3]?.split(/\s+/)).toEqual([
      'firms-california',
      '7',
      '1,240',
      '1',
      '1,234',
      '0',
      '0',
      '5,678',
      '2',
      '–',
    ]);
    expect(lines.at(-2)).toContain('http://d');
    expect(lines.at(-1)).toContain('http://a');
  });

  it.each([60, 79, 100, 119, 200])('keeps its table within %i columns, or as narrow as it can be', (width) => {
    for (const line of renderBlock(picture, width)) expect(line.length).toBeLessThanOrEqual(Math.max(width, 78));
  });

  it('shows state and last poll where there is room', () => {
    expect(renderBlock(picture, 119)[3]?.split(/\s+/).slice(0, 4)).toEqual(['firms-california', 'running', 'ok', '7']);
  });

  it('shows an unknown lag as unknown, never as 0, and a known one as it is', () => {
    expect(renderLine(picture)).toContain('7 polls, 1,240 in, 1/1234/0/0 queued, 5,678 published, 2 dead, lag –');
    const [stream] = picture.streams;
    const known = { ...picture, streams: [{ ...stream!, lag: { ...stream!.lag, records: 42 } }] };
    expect(renderLine(known)).toContain('lag 42');
  });

  it('names what is wrong', () => {
    const troubled = { ...picture, problems: ['kafka: unreachable'] };
    expect(renderBlock(troubled, 79)).toContain('! kafka: unreachable');
    expect(renderLine(troubled)).toContain('! kafka: unreachable');
  });

  it('says how to end it when it does not end by itself', () => {
    expect(renderBlock({ ...picture, endsInMs: null }, 79)[0]).toContain('Ctrl-C');
  });
});
