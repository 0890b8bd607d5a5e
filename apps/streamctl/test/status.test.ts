import { describe, expect, it } from 'vitest';
import { renderStatus } from '../src/status.ts';
import { fullSpeed, streamAnswer } from './stream-answers.ts';

const streams = {
  configVersion: 'abc',
  streams: [
    streamAnswer('firms', {
      lastPoll: { at: '2026-01-01T00:00:00.000Z', outcome: 'failed', records: 0, durationMs: 1, error: 'no answer' },
      queued: { critical: 1, high: 2, normal: 3, low: 4 },
      published: 9,
      deadLetters: 5,
    }),
  ],
};
const beat = {
  id: 'h-1',
  role: 'poller-worker',
  host: 'h',
  pid: 1,
  port: 2,
  version: '0.1.0',
  configVersion: 'other',
  startedAt: '2026-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:00.000Z',
};
const health = { ready: true, phase: 'ready', problems: {}, fleet: [beat], topics: { problem: null, differences: {} } };

describe('streamctl status', () => {
  it('shows streams and processes, unknown as unknown, and a process with another config', () => {
    const text = renderStatus(streams, health);
    expect(text).toMatch(
      /firms\s+running\s+1\s+2\s+3\s+4\s+9\s+5\s+–\s+–\s+2026-01-01T00:00:00.000Z failed, 0 new: no answer/,
    );
    expect(text).toMatch(/poller-worker\s+h\s+1\s+2\s+0\.1\.0\s+other \(differs\)/);
    expect(text).not.toContain('!');
  });

  it('says which stream is degraded, and why', () => {
    const [firms] = streams.streams;
    const degraded = { ...firms!, degraded: '5 dead letters of 5 allowed' };
    const text = renderStatus({ ...streams, streams: [degraded] }, health);
    expect(text).toMatch(/firms\s+running, degraded\s+1\s/);
    expect(text).toContain('! firms is degraded: 5 dead letters of 5 allowed');
  });

  it('says which stream is throttled, how much, and why', () => {
    const [firms] = streams.streams;
    const throttle = { ...fullSpeed, action: 'throttle_critical', level: 1, delayMs: 1_500, allowedRate: 312.4 };
    const reason = 'lag 6,000 of readers is above critical 5,000';
    const text = renderStatus({ ...streams, streams: [{ ...firms!, throttle: { ...throttle, reason } }] }, health);
    expect(text).toMatch(/–\s+critical 312\/s \+1\.5 s\s+2026/);
    expect(text).toContain(`! firms is throttled: ${reason}`);
  });

  it('says which provider does not answer, and which answers are odd', () => {
    const provider = {
      host: 'api:443',
      breaker: 'open',
      until: '2026-01-01T00:05:00.000Z',
      failures: 5,
      error: 'refused',
    };
    const conditions = [
      { state: 'answers_but_stale', since: '2026-01-01T00:00:00.000Z', message: 'its newest is old' },
    ];
    const text = renderStatus(
      { ...streams, streams: [streamAnswer('firms', { provider, conditions }), streamAnswer('other', { provider })] },
      health,
    );
    expect(text).toContain(
      '! api:443 gave no answer 5 times in a row (refused); tried again at 2026-01-01T00:05:00.000Z: firms, other',
    );
    expect(text).toContain('! firms answers_but_stale: its newest is old');
  });

  it('says that the breaker keeps records from Kafka', () => {
    const [firms] = streams.streams;
    const text = renderStatus({ ...streams, streams: [{ ...firms!, breaker: 'half_open' }] }, health);
    expect(text).toContain('! the breaker is half open: Kafka takes no records, they wait in Redis');
  });

  it('names problems and topics that differ', () => {
    const troubled = {
      ...health,
      problems: { redis: 'not connected' },
      topics: { problem: 'Kafka does not answer', differences: { t: ['partitions is 1, the config says 4'] } },
    };
    const text = renderStatus(streams, troubled);
    expect(text).toContain('! redis: not connected');
    expect(text).toContain('! topics: Kafka does not answer');
    expect(text).toContain('! topic t: partitions is 1, the config says 4');
  });
});
