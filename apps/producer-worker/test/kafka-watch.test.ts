import { createHealth } from '@stream-manager/shared/ops/health';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createKafkaWatch, failedBatchesMax, failureHoldsMs, silenceMs } from '../src/kafka-watch.ts';
import { createSourceNotes } from '../src/source-notes.ts';

const setup = (listTopics: () => Promise<readonly string[]> = async () => []) => {
  const health = createHealth();
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) });
  const clock = { ms: 1_000_000 };
  const watch = createKafkaWatch({
    admin: { listTopics },
    health,
    notes: createSourceNotes({ health, logger }),
    logger,
    now: () => clock.ms,
  });
  const refuse = (sourceId: string, isWhole = true) =>
    watch.failed({ sourceId, code: 'NOT_ENOUGH_REPLICAS', message: 'not enough replicas', isWhole });
  return {
    watch,
    clock,
    lines,
    refuse,
    /** As many whole failures, over as long a time, as make the process at fault. */
    refuseAll: () => {
      for (let batch = 1; batch < failedBatchesMax; batch++) refuse('fires');
      clock.ms += silenceMs;
      refuse('fires');
    },
    problem: () => health.report().problems.kafka,
    notes: () => health.report().sources,
    start: () => watch.start(new AbortController().signal),
  };
};

describe('createKafkaWatch', () => {
  it('starts without Kafka and says so', async () => {
    const { watch, problem, start } = setup(() => Promise.reject(new Error('connect ECONNREFUSED')));
    await start();
    await waitUntil('the problem', () => problem() !== undefined);
    expect(problem()).toBe('unreachable: connect ECONNREFUSED');
    await watch.stop();
  });

  it('names an outage once nothing was taken from anybody for several batches and some time', () => {
    const { watch, problem, refuseAll, lines } = setup();
    refuseAll();
    expect(problem()).toBe('unreachable: not enough replicas');
    watch.acknowledged();
    expect(problem()).toBeUndefined();
    expect(lines).toEqual([
      'trouble of a source',
      'Kafka does not take records; chunks wait in Redis without using attempts',
      'Kafka takes records again',
    ]);
  });

  it.each([
    { name: 'fewer batches', batches: failedBatchesMax - 1, apartMs: silenceMs },
    { name: 'many batches within a moment', batches: 100, apartMs: 0 },
  ])('does not for $name', ({ batches, apartMs }) => {
    const { problem, refuse, clock } = setup();
    for (let batch = 0; batch < batches; batch++) {
      refuse('fires');
      clock.ms += apartMs;
    }
    expect(problem()).toBeUndefined();
  });

  it('knows at once of a cluster that is away, by a look after the first failure', async () => {
    const { problem, refuse } = setup(() => Promise.reject(new Error('connect ECONNREFUSED')));
    refuse('fires');
    await waitUntil('the problem', () => problem() !== undefined);
    expect(problem()).toBe('unreachable: connect ECONNREFUSED');
  });

  it('keeps a process ready of which one topic is sick: one note and one line for 200 failed batches', () => {
    const { watch, problem, notes, refuse, clock, lines } = setup();
    const problems = new Set<string | undefined>();
    for (let batch = 0; batch < 200; batch++) {
      refuse('fires', batch % 2 === 0);
      problems.add(problem());
      if (batch % 10 === 0) watch.acknowledged();
      clock.ms += 100;
    }
    expect([...problems]).toEqual([undefined]);
    expect(notes()).toEqual({
      fires: 'Kafka does not take all records of this source now (NOT_ENOUGH_REPLICAS); they wait',
    });
    expect(lines).toEqual(['trouble of a source']);
  });

  it('ends a note when no batch of the source failed for a while', async () => {
    const { watch, notes, refuse, clock, lines } = setup();
    refuse('fires', false);
    clock.ms += failureHoldsMs;
    await watch.check();
    expect(Object.keys(notes())).toEqual(['fires']);
    clock.ms += 1;
    await watch.check();
    expect(notes()).toEqual({});
    expect(lines).toEqual(['trouble of a source', 'trouble of a source is over']);
  });

  it('is not told well by a look while publishing fails', async () => {
    const { watch, problem, refuseAll, refuse, clock } = setup();
    refuseAll();
    clock.ms += failureHoldsMs;
    refuse('fires');
    await watch.check();
    expect(problem()).toBe('unreachable: not enough replicas');
  });

  it('is told well by a look when what failed was published by others meanwhile', async () => {
    const { watch, problem, refuseAll, clock } = setup();
    refuseAll();
    clock.ms += failureHoldsMs + 1;
    await watch.check();
    expect(problem()).toBeUndefined();
  });

  it('is told well by a look after looks that failed', async () => {
    let isAway = true;
    const { watch, problem, start } = setup(async () => {
      if (isAway) throw new Error('connect ECONNREFUSED');
      return [];
    });
    await start();
    await waitUntil('the problem', () => problem() !== undefined);
    isAway = false;
    await watch.check();
    expect(problem()).toBeUndefined();
    await watch.stop();
  });

  it('says nothing more once it is stopped', async () => {
    let fail: (error: Error) => void = () => {};
    const { watch, problem, start } = setup(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    await start();
    await watch.stop();
    fail(new Error('closed'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(problem()).toBeUndefined();
  });
});
