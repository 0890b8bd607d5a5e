// Short forms of the drills of the throttle and of a slow source (test/drills), each on servers of its own.
import { describe, expect, it } from 'vitest';
import { shortBackpressure } from '../drills/backpressure.ts';
import { type Drill, runDrill } from '../drills/drill.ts';
import { lineOf } from '../drills/report.ts';
import { shortSlowSource } from '../drills/slow-source.ts';

describe('the flow follows its consumers, and sources do not hinder each other,', () => {
  it.each<{ name: string; drill: Drill }>([
    {
      name: 'a consumer stops, is slow and comes back, and the producer that samples its lag is killed',
      drill: shortBackpressure,
    },
    { name: 'the provider of one source of fifty does not answer', drill: shortSlowSource },
  ])('when $name', async ({ drill }) => {
    const outcome = await runDrill(drill, { client: 'kafkajs', seed: 1, say: () => {}, logsTo: null });
    expect(outcome.problems, lineOf(outcome)).toEqual([]);
    expect(outcome.account?.served ?? 0, lineOf(outcome)).toBeGreaterThan(3_000);
  });
});
