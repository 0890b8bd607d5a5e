// Short forms of the drills (test/drills): each harms the whole system once, on servers of its own, and accounts for
// every record. `npm run drills` has the long ones.
import { describe, expect, it } from 'vitest';
import { shortBroker } from '../drills/broker.ts';
import { shortPoison } from '../drills/destination.ts';
import { type Drill, runDrill } from '../drills/drill.ts';
import { shortKill } from '../drills/kill-processes.ts';
import { shortRedis } from '../drills/redis.ts';
import { lineOf } from '../drills/report.ts';
import { shortStop } from '../drills/stop-processes.ts';

describe('nothing is lost, and nothing doubled beyond what was in flight,', () => {
  it.each<{ name: string; drill: Drill }>([
    { name: 'a producer, a poller and the scheduler are killed under load', drill: shortKill },
    { name: 'Redis is killed under load and comes back with its append-only file', drill: shortRedis },
    { name: 'the broker is killed under load and comes back', drill: shortBroker },
    { name: 'records over max.message.bytes stand in batches: they alone are dead letters', drill: shortPoison },
    { name: 'all processes are asked to stop with full queues: they end in time', drill: shortStop },
  ])('when $name', async ({ drill }) => {
    const outcome = await runDrill(drill, { client: 'kafkajs', seed: 1, say: () => {}, logsTo: null });
    expect(outcome.problems, lineOf(outcome)).toEqual([]);
    expect(outcome.account?.served ?? 0, lineOf(outcome)).toBeGreaterThan(5_000);
  });
});
