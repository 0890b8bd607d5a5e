import type { TickJobData } from '@stream-manager/shared/jobs/payloads';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { createGate, onePage, openPollerBundle, type PollerBundle, page, readings, sourceId } from './poller-bundle.ts';

/** Adds a tick by hand, as `Run now` does it, and waits for its end. */
const tick = async (poller: PollerBundle, of = sourceId): Promise<Job> => {
  const data: TickJobData = { sourceId: of, definition: 'x' };
  const job = await poller.polls.add('tick', data, { priority: 1 });
  return poller.until(job.id!, 'completed', 'failed');
};

describe('a tick', () => {
  it('of a job scheduler adds the poll of its slot, in the class of the source', async () => {
    await using poller = await openPollerBundle({ priority: 'high' });
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page(readings(0, 3));
    };
    await poller.polls.upsertJobScheduler(
      'source-stations',
      { every: 3_600_000 },
      { name: 'tick', data: { sourceId }, opts: { priority: 1 } },
    );
    const [armed] = await poller.polls.getJobs(['delayed', 'prioritized', 'waiting']);
    const slot = Number(armed!.id!.split(':').at(-1));
    await poller.startPoller();
    const poll = await waitUntil('the poll', () => poller.polls.getJob(`${sourceId}.${slot}`));
    expect(poll.data).toEqual({ sourceId, scheduledFor: slot });
    expect(poll.opts).toMatchObject({ priority: 2, removeOnComplete: { count: 100 }, removeOnFail: { count: 100 } });
    gate.open();
    await poller.until(poll.id!, 'completed');
    expect(poller.calls).toEqual([{ position: null, scheduledFor: slot }]);
  });

  it('that meets a waiting poll is coalesced', async () => {
    await using poller = await openPollerBundle({ priority: 'low' });
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page([]);
    };
    const waiting = await poller.poll(1);
    // The tick, which is more urgent, goes first and meets the poll that waits.
    const urgent = await poller.polls.add('tick', { sourceId, definition: 'x' }, { priority: 1 });
    await poller.startPoller();
    expect((await poller.until(urgent.id!, 'completed')).returnvalue).toEqual({ outcome: 'coalesced' });
    gate.open();
    await poller.until(waiting, 'completed');
    expect(poller.calls).toHaveLength(1);
  });

  it('that meets an active poll is coalesced', async () => {
    await using poller = await openPollerBundle();
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page([]);
    };
    await poller.startPoller();
    const active = await poller.poll();
    await poller.until(active, 'active');
    expect((await tick(poller)).returnvalue).toEqual({ outcome: 'coalesced' });
    gate.open();
    await poller.until(active, 'completed');
    expect((await tick(poller)).returnvalue).toEqual({ outcome: 'queued' });
  });

  it('that meets a delayed poll is coalesced', async () => {
    await using poller = await openPollerBundle();
    await poller.polls.add(
      'poll',
      { sourceId, scheduledFor: 1 },
      { priority: 3, delay: 60_000, deduplication: { id: sourceId } },
    );
    await poller.startPoller();
    expect((await tick(poller)).returnvalue).toEqual({ outcome: 'coalesced' });
    expect(await poller.polls.getJobCountByTypes('delayed')).toBe(1);
  });

  it('that is run twice adds one poll', async () => {
    await using poller = await openPollerBundle();
    poller.script = onePage(page([]));
    await poller.startPoller();
    await poller.pollOnce(5);
    await poller.pollOnce(5);
    expect(poller.calls).toHaveLength(1);
    expect(await poller.polls.getDeduplicationJobId(sourceId)).toBeNull();
  });

  it.each([
    {
      name: 'paused',
      entry: {},
      act: (poller: PollerBundle) => poller.states.setPaused(sourceId, true),
      outcome: 'skipped',
    },
    {
      name: 'stopped',
      entry: {},
      act: (poller: PollerBundle) => poller.states.setPolls(sourceId, 'stopped'),
      outcome: 'skipped',
    },
    { name: 'disabled', entry: { enabled: false }, act: async () => {}, outcome: 'skipped' },
    {
      name: 'disabled and started',
      entry: { enabled: false },
      act: (poller: PollerBundle) => poller.states.setPolls(sourceId, 'started'),
      outcome: 'queued',
    },
  ])('of a source that is $name is $outcome', async ({ entry, act, outcome }) => {
    await using poller = await openPollerBundle(entry);
    await act(poller);
    await poller.startPoller();
    expect((await tick(poller)).returnvalue).toEqual({ outcome });
  });

  it('of a source that is gone from the config is skipped', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    expect((await tick(poller, 'constructor')).returnvalue).toEqual({ outcome: 'skipped' });
    expect((await tick(poller, 'gone')).returnvalue).toEqual({ outcome: 'skipped' });
  });

  it('without a source fails and names what is missing', async () => {
    await using poller = await openPollerBundle();
    await poller.startPoller();
    const job = await poller.polls.add('tick', {}, { priority: 1 });
    expect((await poller.until(job.id!, 'failed')).failedReason).toContain('expected a sourceId in its data');
  });
});
