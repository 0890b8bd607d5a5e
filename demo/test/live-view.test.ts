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
      lag: { records: null, group: null, topic: null },
      throttle: { action: 'none', level: 0, delayMs: 0, allowedRate: 1 },
      breaker: 'closed',
      published: 5678,
      deadLetters: 2,
      dropped: 0,
    },
  ],
  polls: new Map([['firms-california', 7]]),
  consumed: 5600,
  elapsedMs: 65_000,
  endsInMs: 5_000,
  dashboardUrl: 'http://d',
  apiUrl: 'http://a',
  problems: [],
};

describe('the live view', () => {
  it('shows per source polls, queued records by priority, published, dead letters and lag, and the addresses', () => {
    const lines = renderBlock(picture);
    expect(lines[0]).toBe('StreamManager  01:05  ends in 00:05');
    expect(lines[3]?.split(/\s+/)).toEqual([
      'firms-california',
      'running',
      '7',
      'ok',
      '1',
      '1,234',
      '0',
      '0',
      '5,678',
      '2',
      '–',
    ]);
    expect(lines.at(-1)).toContain('http://d');
    expect(lines.at(-1)).toContain('http://a');
  });

  it('shows an unknown lag as unknown, never as 0, and a known one as it is', () => {
    expect(renderLine(picture)).toContain('lag –');
    const [stream] = picture.streams;
    const known = { ...picture, streams: [{ ...stream!, lag: { records: 42, group: 'g', topic: 't' } }] };
    expect(renderLine(known)).toContain('lag 42');
  });

  it('names what is wrong', () => {
    const troubled = { ...picture, problems: ['kafka: unreachable'] };
    expect(renderBlock(troubled)).toContain('! kafka: unreachable');
    expect(renderLine(troubled)).toContain('! kafka: unreachable');
  });

  it('says how to end it when it does not end by itself', () => {
    expect(renderBlock({ ...picture, endsInMs: null })[0]).toContain('Ctrl-C');
  });
});
