// The throttle in Redis. Three hashes of a source (layout: queues/keys.ts): what was decided and what the next sample goes
// on from; its history in slices of time, a field each, so that a step writes the one or two that changed (500 sources
// with all of it in one value would write 1 MB/s to the append-only file); and the bucket that sends draw from.
import type { Redis } from 'ioredis';
import type { Slice, ThrottleDecision, ThrottleState } from '../throttle/decision.ts';
import { sourceKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import { millisecondsOf } from './redis-time.ts';
import { listOf, numberOf, runScript } from './script-runner.ts';
import { askToSendScript } from './scripts/ask-to-send.ts';
import { throttleStepScript } from './scripts/throttle-step.ts';
import { lagFields } from './source-state.ts';
import type { SamplingState, StoredDecision, ThrottleStep, ThrottleStore } from './throttle-store.ts';

/** Creates the store on a shared connection. */
export const createRedisThrottleStore = (deps: {
  readonly redis: Redis;
  readonly keyPrefix: string;
}): ThrottleStore => {
  const { redis, keyPrefix } = deps;
  const keysOf = (sourceId: string) => sourceKeys(keyPrefix, sourceId);

  const writeStep = async (sourceId: string, step: ThrottleStep): Promise<boolean> => {
    const { throttle, throttleSlices, state } = keysOf(sourceId);
    const { kept, gone } = changedSlices(step.from.written ?? step.from.state?.slices ?? [], step.state.slices);
    const shown = Object.entries(lagFields(step.lag, step.state.at)).flat();
    const lists = [throttleFields(step), kept, shown].flatMap((list) => [list.length, ...list]);
    const args = [step.from.number, ...lists, ...gone];
    return (await runScript(redis, throttleStepScript, [throttle, throttleSlices, state], args)) === 1;
  };

  return {
    now: async () => millisecondsOf(await redis.time()),
    read: async (sourceIds) => {
      const pipeline = redis.pipeline();
      pipeline.time();
      for (const sourceId of sourceIds) pipeline.hmget(keysOf(sourceId).throttle, 'decision', 'at');
      const [time, ...replies] = valuesOfPipeline(await pipeline.exec());
      const now = millisecondsOf(time);
      const decisions = new Map<string, StoredDecision>();
      for (const [index, sourceId] of sourceIds.entries()) {
        // HMGET answers a string or null per field.
        const [decision, at] = replies[index] as readonly (string | null)[];
        if (!decision) continue;
        // Written by a step.
        decisions.set(sourceId, {
          decision: JSON.parse(decision) as ThrottleDecision,
          ageMs: Math.max(0, now - Number(at)),
        });
      }
      return decisions;
    },
    load: async (sourceIds) => {
      const pipeline = redis.pipeline();
      for (const sourceId of sourceIds) {
        // The number first: slices that are newer than it then only make the next step lose.
        pipeline.hmget(keysOf(sourceId).throttle, 'sample', 'at', 'state');
        pipeline.hgetall(keysOf(sourceId).throttleSlices);
      }
      const replies = valuesOfPipeline(await pipeline.exec());
      return new Map(
        // HMGET answers a string or null per field, HGETALL an object of strings.
        sourceIds.map((sourceId, index): [string, SamplingState] => [
          sourceId,
          readSamplingState(
            replies[2 * index] as readonly (string | null)[],
            replies[2 * index + 1] as Readonly<Record<string, string>>,
          ),
        ]),
      );
    },
    step: async (steps) => {
      const written = new Set<string>();
      const ends = await Promise.allSettled(
        [...steps].map(async ([sourceId, step]) => {
          if (await writeStep(sourceId, step)) written.add(sourceId);
        }),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      return written;
    },
    askToSend: async (sourceId, request) => {
      const { throttle, send, sendWaits } = keysOf(sourceId);
      const { records, priority, asker, maxRate, minRate } = request;
      const args = [records, priority, asker, maxRate, minRate ?? 'free'];
      const [granted, waitMs, allowedRate, delayMs] = listOf(
        await runScript(redis, askToSendScript, [throttle, send, sendWaits], args),
      );
      return {
        isGranted: granted === 1,
        waitMs: numberOf(waitMs),
        allowedRate: numberOf(allowedRate),
        delayMs: numberOf(delayMs),
      };
    },
  };
};

/** Fields of the hash `throttle`, without the sample number. The time stands apart: with it nothing would ever be as it was. */
const throttleFields = ({ state, decision, holdsMs }: ThrottleStep): readonly string[] => {
  const { slices: _slices, at, ...rest } = state;
  const fields = {
    at: String(at),
    holds: String(holdsMs),
    rate: String(decision.allowedRate),
    delay: String(decision.delayMs),
    decision: JSON.stringify(decision),
    state: JSON.stringify(rest),
  };
  return Object.entries(fields).flat();
};

const sliceValue = ({ lagSum, samples, published }: Slice): string => `${lagSum} ${samples} ${published}`;

/** What has to be written of a history: slots with their values, and slots that go. Pure. */
const changedSlices = (
  before: readonly Slice[],
  after: readonly Slice[],
): { readonly kept: readonly string[]; readonly gone: readonly string[] } => {
  const values = new Map(before.map((slice) => [slice.slot, sliceValue(slice)]));
  const kept: string[] = [];
  for (const slice of after) {
    const value = sliceValue(slice);
    if (values.get(slice.slot) !== value) kept.push(String(slice.slot), value);
    values.delete(slice.slot);
  }
  return { kept, gone: [...values.keys()].map(String) };
};

const readSamplingState = (
  [sample, at, state]: readonly (string | null)[],
  slices: Readonly<Record<string, string>>,
): SamplingState => {
  if (!sample || !state) return { number: 0, state: null };
  const read = Object.entries(slices).map(([slot, value]): Slice => {
    const [lagSum, samples, published] = value.split(' ').map(Number);
    return { slot: Number(slot), lagSum: lagSum ?? 0, samples: samples ?? 0, published: published ?? 0 };
  });
  // Written by a step.
  const rest = JSON.parse(state) as Omit<ThrottleState, 'at' | 'slices'>;
  return {
    number: Number(sample),
    state: { ...rest, at: Number(at), slices: read.toSorted((a, b) => a.slot - b.slot) },
  };
};
