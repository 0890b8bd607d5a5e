import { configSchema } from '@stream-manager/shared/config/schema';
import { createChunkId } from '@stream-manager/shared/queues/chunk-id';
import { retiredChunkLimits } from '@stream-manager/shared/queues/source-limits';
import { describe, expect, it } from 'vitest';
import { scheduleIdPrefix } from '../../src/schedules/wanted-schedules.ts';
import { openApi } from './api-bundle.ts';

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
        lag: { records: null, group: null, topic: null, sampledAt: null },
        throttle: { action: 'no_sample', level: 0, delayMs: 0, allowedRate: 100_000 },
        breaker: 'closed',
        published: 0,
        deadLetters: 0,
        dropped: 0,
        degraded: null,
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
