import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';
import { describe, expect, it } from 'vitest';
import { lag, readLagOptions, renderLag } from '../src/lag.ts';
import { fullSpeed, streamAnswer, unknownLag } from './stream-answers.ts';

const reason = 'the lag of 12,345 records of group readers on fires is above critical (5,000)';

const throttled = (id: string, changes: Partial<StreamAnswer['lag']> = {}): StreamAnswer =>
  streamAnswer(id, {
    lag: {
      records: 12_345,
      group: 'readers',
      topic: 'fires',
      sampledAt: '2026-05-01T12:00:00.000Z',
      ageMs: 800,
      groups: [
        { group: 'readers', topic: 'fires', records: 12_345, lostToRetention: 0 },
        { group: 'archive', topic: 'fires', records: 20, lostToRetention: 0 },
      ],
      abandonedGroups: [],
      trendPerSecond: 120.4,
      drainSeconds: 754,
      ...changes,
    },
    throttle: {
      ...fullSpeed,
      action: 'throttle_critical',
      level: 2,
      delayMs: 2_250,
      allowedRate: 312.4,
      reason,
    },
  });

describe('streamctl lag', () => {
  it('shows groups, topics, lag, trend, time to drain, age of the sample, and the decision with its reason', () => {
    const text = renderLag([throttled('firms')], 120);
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^SOURCE\s+GROUP\s+TOPIC\s+LAG\s+TREND\s+DRAINS IN\s+SAMPLED$/),
      expect.stringMatching(/^firms\s+readers\s+fires\s+12,345\s+rising 120\/s\s+13 min\s+0\.8 s ago$/),
      expect.stringMatching(/^\s+archive\s+fires\s+20$/),
      '',
      'firms',
      '  throttled hard, level 2: 312 of 100,000 records/s, 2.3 s between batches; target 1,000 records, critical 5,000 records',
      `  why: ${reason}`,
      '',
    ]);
  });

  it.each([
    { name: 'falling', trendPerSecond: -30, drainSeconds: 5, text: /falling 30\/s\s+5 s/ },
    { name: 'steady', trendPerSecond: 0.4, drainSeconds: 7_300, text: /steady\s+2 h/ },
    { name: 'not read at all', trendPerSecond: 50, drainSeconds: null, text: /rising 50\/s\s+never/ },
    { name: 'of unknown trend', trendPerSecond: null, drainSeconds: null, text: /12,345\s+–\s+–/ },
    { name: 'caught up', records: 0, trendPerSecond: 0, drainSeconds: 0, text: /steady\s+0 s/ },
  ])('says in words that lag is $name', ({ text, name: _name, ...changes }) => {
    expect(renderLag([throttled('firms', changes)], 120)).toMatch(text);
  });

  it('says that lag is unknown, never 0', () => {
    const throttle = {
      ...fullSpeed,
      action: 'no_sample',
      targetRecords: null,
      criticalRecords: null,
      reason: 'no consumer group has a commit on fires',
    };
    const never = renderLag([streamAnswer('firms', { throttle })], 120);
    expect(never).toMatch(/^firms\s+–\s+–\s+unknown\s+–\s+–\s+never$/m);
    expect(never).toContain('  lag unknown: up to 100,000 records/s; thresholds not known yet\n');
    expect(never).toContain('  why: no consumer group has a commit on fires\n');
    const old = streamAnswer('firms', { lag: { ...unknownLag, ageMs: 95_000 }, throttle });
    expect(renderLag([old], 120)).toMatch(/^firms\s+–\s+–\s+unknown\s+–\s+–\s+95 s ago$/m);
  });

  it('names groups that are ignored, and what retention deleted unread', () => {
    const groups = [{ group: 'readers', topic: 'fires', records: 12_345, lostToRetention: 77 }];
    const text = renderLag([throttled('firms', { groups, abandonedGroups: ['old-readers', 'test'] })], 120);
    expect(text).toMatch(/^SOURCE.*\s+LOST$/m);
    expect(text).toMatch(/^firms\s+readers\s+fires\s.*\s77$/m);
    expect(text).toContain('! ignored, since their commits have not moved for a day: old-readers, test');
  });

  it('says that a rate recovers although nothing is throttled any more', () => {
    const recovering = streamAnswer('firms', { throttle: { ...fullSpeed, allowedRate: 5.06 } });
    expect(renderLag([recovering], 120)).toContain('  recovering: 5.1 of 100,000 records/s; target 1,000 records');
  });

  it('says of a threshold that waits for the flow to be known that it does', () => {
    const young = streamAnswer('firms', { throttle: { ...fullSpeed, criticalRecords: null } });
    expect(renderLag([young], 120)).toContain('; target 1,000 records, critical not known yet\n');
  });

  it('fits into the terminal, however long the names are', () => {
    const group = `consumers-of-everything-${'g'.repeat(100)}-east`;
    const topic = `wildfire-${'t'.repeat(150)}-firms`;
    const streams = ['firms', `source-with-a-${'s'.repeat(40)}-name`].map((id) =>
      throttled(id, {
        groups: [{ group, topic, records: 123_456_789, lostToRetention: 0 }],
        abandonedGroups: Array(20).fill('some-group'),
      }),
    );
    const lines = renderLag(streams, 120).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(lines[1]).toMatch(/^firms\s+consumers-\S*…\S*-east\s+wildfire-\S*…\S*-firms\s/);
    // Where no terminal is, whoever reads it can take the names as they are.
    expect(renderLag(streams, null)).toContain(`${group}  ${topic}`);
  });
});

/** An API that answers every request with these streams. */
const served = async (streams: readonly StreamAnswer[]) => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ configVersion: 'abc', streams }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    access: { url: `http://127.0.0.1:${port}`, user: 'u', password: 'p' },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

describe('streamctl lag, asking the API', () => {
  it('shows one source, or all', async () => {
    await using part = await served([throttled('firms'), streamAnswer('alerts')]);
    const one = await lag(part.access, { sourceId: 'alerts', json: false, width: 120 });
    expect(one).toContain('alerts');
    expect(one).not.toContain('firms');
    const all = await lag(part.access, { sourceId: null, json: false, width: 120 });
    expect(all).toContain('firms');
  });

  it('answers JSON under the names of the API', async () => {
    await using part = await served([throttled('firms'), streamAnswer('alerts')]);
    const { id, state, lag: ofSource, throttle } = throttled('firms');
    expect(JSON.parse(await lag(part.access, { sourceId: 'firms', json: true, width: 120 }))).toEqual({
      streams: [{ id, state, lag: ofSource, throttle }],
    });
  });

  it('names the sources there are when one is unknown', async () => {
    await using part = await served([throttled('firms'), streamAnswer('alerts')]);
    await expect(lag(part.access, { sourceId: 'frims', json: true, width: 120 })).rejects.toThrow(
      /^there is no source "frims"; did you mean firms\? there are firms, alerts$/,
    );
  });
});

describe('the options of lag', () => {
  it('are a source and --json, both as one likes', () => {
    expect(readLagOptions([])).toEqual({ sourceId: null, json: false });
    expect(readLagOptions(['--json', 'firms'])).toEqual({ sourceId: 'firms', json: true });
  });

  it.each([
    { args: ['a', 'b'], text: /^lag takes one source, not 2: a, b$/ },
    { args: ['--jsn'], text: /^lag has no --jsn$/ },
  ])('refuse $args', ({ args, text }) => {
    expect(() => readLagOptions(args)).toThrow(text);
  });
});
