import { addAnswer } from '@stream-manager/shared/conditions/answer-history';
import { configSchema } from '@stream-manager/shared/config/schema';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import { retiredChunkLimits } from '@stream-manager/shared/queues/source-limits';
import { describe, expect, it } from 'vitest';
import { scheduleIdPrefix } from '../../src/schedules/wanted-schedules.ts';
import { source as alerts, openApi } from './api-bundle.ts';

describe('the API of streams', () => {
  it('shows every stream with the fields of the contract', async () => {
    await using part = await openApi();
    const { status, body } = await part.call('GET', '/streams');
    expect(status).toBe(200);
    expect(body.configVersion).toBe('abc');
    expect(body.streams).toEqual([
      {
        id: 'alerts',
        type: 'noaa-alerts',
        mode: 'real-time',
        state: 'running',
        nextPollAt: null,
        lastPoll: null,
        queued: { critical: 0, high: 0, normal: 0, low: 0 },
        pollDelayed: null,
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
        throttle: {
          action: 'no_sample',
          level: 0,
          delayMs: 0,
          allowedRate: 100_000,
          maxSendRate: 100_000,
          reason: expect.stringContaining('never read'),
          targetRecords: null,
          criticalRecords: null,
        },
        breaker: 'closed',
        published: 0,
        deadLetters: 0,
        dropped: 0,
        degraded: null,
        schedule: { everyMs: 30_000, cron: null, tz: null },
        provider: { host: 'api.weather.gov:443', breaker: 'closed', until: null, failures: 0, error: null },
        limits: { requestsPerMinute: 60, dailyBudget: null },
        conditions: [],
        newestObservationAt: null,
        cursor: null,
      },
      expect.objectContaining({ id: 'off', state: 'disabled' }),
    ]);
  });

  it('shows a stream as degraded while its dead letters are at their limit', async () => {
    await using part = await openApi({ delivery: { deadLetters: { maxRecords: 2 } } });
    const degraded = async () => {
      const { body } = await part.call('GET', '/streams');
      return (body.streams as readonly { readonly degraded: string | null; readonly deadLetters: number }[])[0];
    };
    await part.letters.get('alerts')?.add('publish_failed', {}, { jobId: 'letter-1' });
    expect(await degraded()).toMatchObject({ deadLetters: 1, degraded: null });
    await part.letters.get('alerts')?.add('publish_failed', {}, { jobId: 'letter-2' });
    expect(await degraded()).toMatchObject({
      deadLetters: 2,
      degraded: expect.stringContaining('2 dead letters of 2 allowed'),
    });
    await part.letters.get('alerts')?.remove('letter-1');
    expect(await degraded()).toMatchObject({ deadLetters: 1, degraded: null });
  });

  it('shows how a source stands with its provider: its breaker, what is odd about its answers, and its cursor', async () => {
    await using part = await openApi({ sources: { alerts: { ...alerts, staleAfter: '1h' } } });
    const atMs = Date.now();
    const answer = { atMs, rows: 3, newestObservedAtMs: atMs - 2 * 3_600_000 };
    const poll = { at: new Date(atMs).toISOString(), outcome: 'ok', records: 3, durationMs: 1, error: null } as const;
    await part.states.recordPoll('alerts', poll, addAnswer(null, answer, 'varying'));
    await part.cursors.write('alerts', 0, { value: { page: 'secretless' }, untilMs: 1_777_636_800_000 });
    const failed = { kind: 'unanswered', pauseMs: 60_000, error: 'connection refused' } as const;
    for (let poll = 1; poll <= 5; poll += 1) await part.providers.tell('api.weather.gov:443', `poll-${poll}`, failed);
    const { body } = await part.call('GET', '/streams');
    expect((body.streams as readonly unknown[])[0]).toMatchObject({
      provider: {
        host: 'api.weather.gov:443',
        breaker: 'open',
        until: expect.stringMatching(/^20.*Z$/),
        failures: 5,
        error: 'connection refused',
      },
      conditions: [{ state: 'answers_but_stale', message: expect.stringContaining('the provider answers, but') }],
      newestObservationAt: new Date(answer.newestObservedAtMs).toISOString(),
      cursor: { until: '2026-05-01T12:00:00.000Z', at: expect.stringMatching(/^20.*Z$/), by: 'poll' },
    });
    await part.cursors.reset('alerts', 'someone');
    expect((await part.streams.list())[0]?.cursor).toBeNull();
  });

  it('shows the lag and what the throttle decided about it, with the reason', async () => {
    await using part = await openApi();
    const at = await part.throttle.now();
    const decision = {
      action: 'throttle_critical',
      level: 2,
      delayMs: 2_250,
      allowedRate: 312.5,
      lag: 12_345,
      averageLag: 9_000,
      targetRecords: 1_000,
      criticalRecords: 5_000,
      trendPerSecond: 120,
      drainSeconds: 754,
      reason: 'lag 12,345 of group readers on fires is at least the critical 5,000',
    } as const;
    const groups = [{ group: 'readers', topic: 'fires', records: 12_345, lostToRetention: 3 }];
    const lag = { records: 12_345, group: 'readers', topic: 'fires', groups, abandoned: ['old'] };
    const state = { level: 2, allowedRate: 312.5, lowSamples: 0, at, since: at, ends: {}, sliceMs: 1_000, slices: [] };
    const step = { from: { number: 0, state: null }, state, decision, holdsMs: 30_000, lag };
    await part.throttle.step(
      new Map([
        ['alerts', step],
        // Sampled a minute ago, and not since.
        ['off', { ...step, state: { ...state, at: at - 60_000 } }],
        // Gone from the config: nobody samples it any more.
        ['gone', step],
      ]),
    );
    await part.letters.get('gone')?.add('dead-letter', {}, { jobId: 'letter-1' });
    const { body } = await part.call('GET', '/streams');
    const { averageLag: _averageLag, lag: _lag, trendPerSecond, drainSeconds, ...shown } = decision;
    const [alerts, off, gone] = body.streams as readonly Record<string, unknown>[];
    expect(alerts).toMatchObject({
      lag: {
        records: 12_345,
        group: 'readers',
        topic: 'fires',
        sampledAt: new Date(at).toISOString(),
        groups,
        abandonedGroups: ['old'],
        trendPerSecond,
        drainSeconds,
      },
      throttle: { ...shown, maxSendRate: 100_000 },
    });
    expect(off).toMatchObject({
      lag: { records: null, groups: [], sampledAt: new Date(at - 60_000).toISOString(), trendPerSecond: null },
      throttle: { action: 'no_sample', allowedRate: 156.25, reason: expect.stringContaining('no lag could be read') },
    });
    expect(gone).toMatchObject({
      id: 'gone',
      lag: { records: null, sampledAt: null },
      throttle: { action: 'no_sample', level: 0, delayMs: 0, allowedRate: 100_000 },
    });
  });

  it('shows why a poll waits, and until when, for as long as it does', async () => {
    await using part = await openApi();
    const delays = async () =>
      ((await part.call('GET', '/streams')).body.streams as readonly { readonly pollDelayed: unknown }[]).map(
        ({ pollDelayed }) => pollDelayed,
      );
    const delayed = {
      by: 'throttle',
      reason: 'lag 12,345 is at least the critical 5,000',
      since: '2026-05-01T12:00:00.000Z',
      until: '2026-05-01T12:00:05.000Z',
    };
    const job = await part.poll.add(
      'poll',
      { sourceId: 'alerts', scheduledFor: 1, delayed },
      { delay: 3_600_000, deduplication: { id: 'alerts' } },
    );
    expect(await delays()).toEqual([delayed, null]);
    // It runs as soon as a poller is free, though its data still tells of the delay.
    await job.promote();
    expect(await delays()).toEqual([null, null]);
  });

  it('says of a poll that was asked for that it is put off while the dead letters are at their limit', async () => {
    await using part = await openApi({ delivery: { deadLetters: { maxRecords: 1 } } });
    await part.letters.get('alerts')?.add('publish_failed', {}, { jobId: 'letter-1' });
    const deferred = expect.stringContaining('1 dead letters of 1 allowed');
    expect((await part.call('POST', '/streams/alerts/poll')).body).toMatchObject({ poll: 'queued', deferred });
    expect((await part.call('POST', '/streams/alerts/poll')).body).toMatchObject({ poll: 'promoted', deferred });
  });

  it('stops and starts polls, and keeps the flag in Redis', async () => {
    await using part = await openApi();
    expect(await part.call('POST', '/streams/alerts/stop')).toEqual({
      status: 200,
      body: { id: 'alerts', state: 'stopped' },
    });
    expect(await part.streams.wantedSchedules()).toEqual([]);
    expect((await part.states.read(['alerts'])).get('alerts')?.flags.polls).toBe('stopped');
    expect((await part.call('POST', '/streams/off/start')).body).toEqual({ id: 'off', state: 'running' });
    expect((await part.streams.wantedSchedules()).map(({ sourceId }) => sourceId)).toEqual(['off']);
    expect((await part.call('POST', '/streams/alerts/start')).body).toEqual({ id: 'alerts', state: 'running' });
    expect(part.changes()).toBe(3);
  });

  it('stops a poll that was asked for, and keeps what else its data says', async () => {
    await using part = await openApi();
    const poll = async () => {
      const jobId = await part.poll.getDeduplicationJobId('alerts');
      return (await part.poll.getJob(jobId ?? ''))!;
    };
    await part.call('POST', '/streams/alerts/poll');
    await (await poll()).updateData({ ...(await poll()).data, delayed: { by: 'memory' } });
    const { isRequested, ...kept } = (await poll()).data;
    expect(isRequested).toBe(true);
    await part.call('POST', '/streams/alerts/stop');
    expect((await poll()).data).toEqual(kept);
    // Asked for although it is stopped.
    await part.call('POST', '/streams/alerts/poll');
    expect((await poll()).data).toMatchObject({ isRequested: true });
  });

  it('pauses polls and sends together, and resumes both', async () => {
    await using part = await openApi();
    expect((await part.call('POST', '/streams/alerts/pause')).body).toEqual({ id: 'alerts', state: 'paused' });
    expect(await part.records.get('alerts')?.isPaused()).toBe(true);
    expect((await part.call('POST', '/streams/alerts/poll')).status).toBe(409);
    expect((await part.call('POST', '/streams/alerts/resume')).body).toEqual({ id: 'alerts', state: 'running' });
    expect(await part.records.get('alerts')?.isPaused()).toBe(false);
  });

  it('polls now', async () => {
    await using part = await openApi();
    expect((await part.call('POST', '/streams/alerts/poll')).body).toEqual({
      id: 'alerts',
      state: 'running',
      poll: 'queued',
    });
    expect((await part.call('POST', '/streams/alerts/poll')).body).toMatchObject({ poll: 'promoted' });
    expect(await part.poll.getPrioritizedCount()).toBe(1);
  });

  it('shows a source that is gone from the config until it holds neither records nor dead letters', async () => {
    await using part = await openApi();
    const list = async () => (await part.call('GET', '/streams')).body.streams as readonly { readonly id: string }[];
    const chunkId = createChunkId();
    await part.store.admit({
      sourceId: 'gone',
      chunkId,
      priority: 2,
      records: [
        { id: Buffer.alloc(16, 1), hash: Buffer.alloc(8, 1), eventTimeMs: 0, key: 'k', value: Buffer.from('{}') },
      ],
      pollId: 'poll-1',
      limits: retiredChunkLimits(configSchema.parse({}).queue),
    });
    // A schedule of it that the reconciler has yet to remove.
    await part.poll.upsertJobScheduler(`${scheduleIdPrefix}gone`, { every: 60_000 });
    await part.letters.get('gone')?.add('dead-letter', {}, { jobId: 'letter-1' });
    const shown = { id: 'gone', type: 'noaa-alerts', mode: 'real-time', state: 'retiring', nextPollAt: null };
    const none = { critical: 0, high: 0, normal: 0, low: 0 };
    expect((await list()).slice(2)).toEqual([
      expect.objectContaining({ ...shown, queued: { ...none, high: 1 }, deadLetters: 1 }),
    ]);

    await part.store.settle('gone', chunkId, null, 1);
    expect((await list()).slice(2)).toEqual([expect.objectContaining({ ...shown, queued: none, deadLetters: 1 })]);
    await part.letters.get('gone')?.remove('letter-1');
    expect((await list()).map(({ id }) => id)).toEqual(['alerts', 'off']);
  });

  it('pauses and resumes a source that is gone from the config, and knows nothing to poll there', async () => {
    await using part = await openApi();
    await part.letters.get('gone')?.add('dead-letter', {}, { jobId: 'letter-1' });
    expect((await part.call('POST', '/streams/gone/pause')).body).toEqual({ id: 'gone', state: 'paused' });
    expect(await part.records.get('gone')?.isPaused()).toBe(true);
    expect((await part.call('POST', '/streams/gone/resume')).body).toEqual({ id: 'gone', state: 'retiring' });
    for (const act of ['start', 'stop', 'poll']) {
      const { status, body } = await part.call('POST', `/streams/gone/${act}`);
      expect(status).toBe(404);
      expect(body.error).toContain('"gone" is gone from the config');
    }
    expect((await part.streams.wantedSchedules()).map(({ sourceId }) => sourceId)).toEqual(['alerts']);
  });

  it.each([
    { method: 'POST', path: '/streams/nobody/poll', text: 'no stream "nobody"' },
    { method: 'POST', path: '/streams/alerts/dance', text: 'unknown act "dance"' },
    { method: 'GET', path: '/nothing', text: 'no such address' },
  ])('answers 404 to $method $path', async ({ method, path, text }) => {
    await using part = await openApi();
    const { status, body } = await part.call(method, path);
    expect(status).toBe(404);
    expect(body.error).toContain(text);
  });
});
