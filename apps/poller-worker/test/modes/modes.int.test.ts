// What a mode makes of ticks and polls, on real Redis: the cases of the Python system's modes as they are here.
import type { Extensions } from '@stream-manager/shared/extensions/extensions';
import type { Mode } from '@stream-manager/shared/extensions/mode';
import { createCursorStore } from '@stream-manager/shared/queues/cursor-store';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { composePoller } from '../../src/compose.ts';
import type { PollContext } from '../../src/sources/source.ts';
import {
  createGate,
  onePage,
  openPollerBundle,
  type PollerBundle,
  page,
  readings,
  sourceId,
} from '../poller-bundle.ts';

/** A tick of the source's job scheduler, in this slot. */
const tick = async (poller: PollerBundle, slot: number): Promise<Job> => {
  const id = `repeat:source-${sourceId}:${slot}`;
  await poller.polls.add('tick', { sourceId, definition: 'x' }, { priority: 1, jobId: id });
  return poller.until(id, 'completed', 'failed');
};

const slotsOf = (poller: PollerBundle): readonly number[] => poller.calls.map(({ scheduledFor }) => scheduledFor);

describe('ticks that come while a source is polled', () => {
  it.each([
    { mode: 'batch', polls: [1_000] },
    { mode: 'real-time', polls: [1_000] },
    // The last of them begins when the poll ends.
    { mode: 'continuous', polls: [1_000, 3_000] },
  ])('in mode $mode are polls $polls and never two at a time', async ({ mode, polls }) => {
    await using poller = await openPollerBundle({ mode });
    const gate = createGate();
    let running = 0;
    let most = 0;
    poller.script = async function* ({ signal }) {
      running += 1;
      most = Math.max(most, running);
      await gate.wait(signal);
      running -= 1;
      yield page([]);
    };
    await poller.startPoller();
    expect((await tick(poller, 1_000)).returnvalue).toEqual({ outcome: 'queued' });
    await waitUntil('the poll', async () => running === 1);
    expect((await tick(poller, 2_000)).returnvalue).toEqual({ outcome: 'coalesced' });
    expect((await tick(poller, 3_000)).returnvalue).toEqual({ outcome: 'coalesced' });
    gate.open();
    await poller.until(`${sourceId}.${polls.at(-1)}`, 'completed');
    expect(slotsOf(poller)).toEqual(polls);
    expect(most).toBe(1);
    expect((await tick(poller, 4_000)).returnvalue).toEqual({ outcome: 'queued' });
    await poller.until(`${sourceId}.4000`, 'completed');
    expect(slotsOf(poller)).toEqual([...polls, 4_000]);
  });

  it('in mode continuous are no poll more when somebody has stopped the source meanwhile', async () => {
    await using poller = await openPollerBundle({ mode: 'continuous' });
    const gate = createGate();
    poller.script = async function* ({ signal }) {
      await gate.wait(signal);
      yield page([]);
    };
    await poller.startPoller();
    await tick(poller, 1_000);
    await waitUntil('the poll', async () => poller.calls.length === 1);
    await tick(poller, 2_000);
    await poller.states.setPolls(sourceId, 'stopped');
    gate.open();
    const next = await poller.until(`${sourceId}.2000`, 'completed');
    expect(next.returnvalue).toEqual({ outcome: 'not_running' });
    expect(poller.calls).toHaveLength(1);
  });
});

describe('a period', () => {
  it.each(['batch', 'real-time'])('is kept in mode %s, whatever a poll takes', async (mode) => {
    await using poller = await openPollerBundle({ mode, every: '1s' });
    const begun: number[] = [];
    poller.script = async function* () {
      begun.push(Date.now());
      // Longer than a period, by no multiple of it.
      if (begun.length === 1) await waitUntil('1.3 s', async () => Date.now() - begun[0]! > 1_300);
      yield page([]);
    };
    await poller.startPoller();
    await poller.polls.upsertJobScheduler(
      `source-${sourceId}`,
      { every: 1_000, offset: 370 },
      { name: 'tick', data: { sourceId, definition: 'x' }, opts: { priority: 1 } },
    );
    await waitUntil('three polls', async () => poller.calls.length >= 3, { timeoutMs: 30_000 });
    expect(new Set(slotsOf(poller).map((slot) => slot % 1_000))).toEqual(new Set([370]));
  });

  it('in mode continuous may be a second, and what comes again is one record', async () => {
    await using poller = await openPollerBundle({ mode: 'continuous' });
    poller.script = onePage(page(readings(0, 1)));
    await poller.startPoller();
    await poller.polls.upsertJobScheduler(
      `source-${sourceId}`,
      { every: 1_000, offset: 1 },
      { name: 'tick', data: { sourceId, definition: 'x' }, opts: { priority: 1 } },
    );
    await waitUntil('four polls', async () => poller.calls.length >= 4, { timeoutMs: 30_000 });
    expect(await poller.stored()).toHaveLength(1);
  });
});

describe('the time that a poll asks for', () => {
  it('goes on where the last finished pass ended, over polls that failed', async () => {
    await using poller = await openPollerBundle({ mode: 'batch' });
    const asked: PollContext['window'][] = [];
    poller.script = async function* ({ window }) {
      asked.push(window);
      if (asked.length === 2) throw new Error('not today');
      yield page([]);
    };
    await poller.startPoller();
    for (const slot of [1_000, 2_000, 3_000, 4_000]) await poller.pollOnce(slot);
    expect(asked).toEqual([
      { sinceMs: null, untilMs: 1_000 },
      { sinceMs: 1_000, untilMs: 2_000 },
      { sinceMs: 1_000, untilMs: 3_000 },
      { sinceMs: 3_000, untilMs: 4_000 },
    ]);
  });
});

describe('a mode of the user’s own', () => {
  const open = async (fields: Partial<Mode>) => {
    const poller = await openPollerBundle({ mode: './mine.ts', every: '30s' });
    const mode: Mode = {
      name: 'mine',
      windowOf: ({ scheduledFor }) => ({ sinceMs: null, untilMs: scheduledFor }),
      ...fields,
    };
    const extensions: Extensions = { modes: new Map([['./mine.ts', mode]]), sources: new Map() };
    const windows: PollContext['window'][] = [];
    const composition = composePoller({ ...poller.context(), extensions }, () => () => ({
      poll: async function* (context) {
        windows.push(context.window);
        yield page([]);
      },
      parseRow: () => {
        throw new Error('not asked for');
      },
    }));
    await composition.start(new AbortController().signal);
    return {
      poller,
      windows,
      [Symbol.asyncDispose]: async () => {
        await composition.stop();
        await poller[Symbol.asyncDispose]();
      },
    };
  };

  it('lets ticks pass, but not what a person asks for', async () => {
    await using bundle = await open({ isDue: ({ scheduledFor, periodMs }) => scheduledFor > periodMs });
    expect((await tick(bundle.poller, 30_000)).returnvalue).toEqual({ outcome: 'not_due' });
    expect((await tick(bundle.poller, 60_000)).returnvalue).toEqual({ outcome: 'queued' });
    await bundle.poller.until(`${sourceId}.60000`, 'completed');
    await bundle.poller.pollOnce(30_000);
    expect(bundle.windows.map(({ untilMs }) => untilMs)).toEqual([60_000, 30_000]);
  });

  it('decides about the time, and the cursor goes where it says', async () => {
    await using bundle = await open({
      windowOf: ({ scheduledFor, cursorUntilMs }) => ({
        sinceMs: cursorUntilMs ?? scheduledFor - 500,
        untilMs: scheduledFor - 100,
      }),
    });
    const { poller } = bundle;
    await poller.pollOnce(1_000);
    await poller.pollOnce(2_000);
    expect(bundle.windows).toEqual([
      { sinceMs: 500, untilMs: 900 },
      { sinceMs: 900, untilMs: 1_900 },
    ]);
    expect(await createCursorStore(poller.redis, poller.keyPrefix).read(sourceId)).toMatchObject({ untilMs: 1_900 });
  });

  it('that throws fails that poll and nothing else, and says so', async () => {
    await using bundle = await open({
      windowOf: ({ scheduledFor }) => {
        if (scheduledFor === 1_000) throw new Error('the moon is full');
        return { sinceMs: null, untilMs: scheduledFor };
      },
    });
    const { poller } = bundle;
    const failed = await poller.pollOnce(1_000);
    const reason = 'mode mine (./mine.ts) of source stations: windowOf threw the moon is full';
    expect(failed.failedReason).toBe(reason);
    expect((await poller.states.read([sourceId])).get(sourceId)!.lastPoll).toMatchObject({
      outcome: 'failed',
      error: reason,
    });
    expect((await poller.pollOnce(2_000)).returnvalue).toMatchObject({ outcome: 'ok' });
    expect(bundle.windows).toHaveLength(1);
  });

  it('whose isDue throws fails that tick, as the poll that it would have been', async () => {
    await using bundle = await open({
      isDue: ({ scheduledFor }) => {
        if (scheduledFor === 1_000) throw new Error('no clock');
        return true;
      },
    });
    const { poller } = bundle;
    const failed = await tick(poller, 1_000);
    expect(await failed.getState()).toBe('failed');
    expect((await poller.states.read([sourceId])).get(sourceId)!.lastPoll).toMatchObject({
      outcome: 'failed',
      error: 'mode mine (./mine.ts) of source stations: isDue threw no clock',
    });
    expect(await poller.value('polls_total', { outcome: 'failed' })).toBe(1);
    expect((await tick(poller, 2_000)).returnvalue).toEqual({ outcome: 'queued' });
  });

  it('whose isDue throws a secret is told without it', async () => {
    await using bundle = await open({
      isDue: () => {
        throw new Error('refused with topsecret-token');
      },
    });
    const { poller } = bundle;
    const failed = await tick(poller, 1_000);
    expect(failed.failedReason).toContain('isDue threw refused with');
    expect(JSON.stringify(failed)).not.toContain('topsecret');
    const { lastPoll } = (await poller.states.read([sourceId])).get(sourceId)!;
    expect(lastPoll!.error).toBe(failed.failedReason);
  });
});
