import { createHealth } from '@stream-manager/shared/ops/health';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { createKafkaWatch } from '../src/kafka-watch.ts';
import { silent } from './chunks.ts';

const setup = (listTopics: () => Promise<readonly string[]>) => {
  const health = createHealth();
  const watch = createKafkaWatch({ admin: { listTopics }, health, logger: silent });
  return {
    watch,
    problem: () => health.report().problems.kafka,
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

  it('names an outage while it lasts', async () => {
    const { watch, problem } = setup(async () => []);
    watch.failed('not enough replicas');
    expect(problem()).toBe('unreachable: not enough replicas');
    watch.answered();
    expect(problem()).toBeUndefined();
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
