import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import { HttpStatusError } from '../src/http/http-status-error.ts';
import { openPollerBundle, page, readings, sourceId } from './poller-bundle.ts';

const unavailable = (): Error => new HttpStatusError('fetch_status', 'answered 503', { status: 503, excerpt: '' });

describe('a poll whose provider gave no answer', () => {
  it('is tried again within its period, at its page and without an attempt, and says so while it waits', async () => {
    await using poller = await openPollerBundle({ every: '5m' });
    let tries = 0;
    poller.script = async function* ({ position }) {
      if (position === null) yield page(readings(0, 5), 2);
      tries += 1;
      if (tries < 3) throw unavailable();
      yield page(readings(5, 5));
    };
    await poller.startPoller();
    const job = await poller.pollOnce();
    expect(job.returnvalue).toEqual({ outcome: 'ok', records: 10 });
    expect(job.data).toMatchObject({ retries: 2 });
    expect(job.data).not.toHaveProperty('delayed');
    expect(poller.calls.map(({ position }) => position)).toEqual([null, 2, 2]);
    // One poll, one outcome.
    expect(await poller.value('polls_total', { outcome: 'ok' })).toBe(1);
    expect(await poller.value('polls_total', { outcome: 'deferred' })).toBe(0);
    expect(await poller.value('polls_total', { outcome: 'failed' })).toBe(0);
  });

  it('fails when the third try got none either', async () => {
    await using poller = await openPollerBundle({ every: '5m' });
    poller.script = () => {
      throw new StreamManagerError('fetch_timeout', 'silent for 30 s');
    };
    await poller.startPoller();
    expect((await poller.pollOnce()).failedReason).toBe('silent for 30 s');
    expect(poller.calls).toHaveLength(3);
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll).toMatchObject({ outcome: 'failed', error: 'silent for 30 s' });
  });

  it.each([
    { name: 'a continuous source', every: '1s', sinceTickMs: 0 },
    { name: 'a source whose next tick is near', every: '5m', sinceTickMs: 299_500 },
  ])('of $name is not tried again: its next poll is', async ({ every, sinceTickMs }) => {
    await using poller = await openPollerBundle({ every });
    poller.script = () => {
      throw unavailable();
    };
    await poller.startPoller();
    expect((await poller.pollOnce(Date.now() - sinceTickMs)).failedReason).toBe('answered 503');
    expect(poller.calls).toHaveLength(1);
  });
});
