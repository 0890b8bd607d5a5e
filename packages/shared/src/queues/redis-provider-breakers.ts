// The breakers of providers in Redis: one hash each, changed by two scripts, and gone a while after the last failure.
import type { Redis } from 'ioredis';
import { fleetKeys } from './keys.ts';
import { valuesOfPipeline } from './pipeline-replies.ts';
import type { ProviderBreaker, ProviderBreakerState, ProviderBreakerStore } from './provider-breaker-store.ts';
import { millisecondsOf } from './redis-time.ts';
import { listOf, numberOf, runScript, textOf } from './script-runner.ts';
import { askProviderScript, tellProviderScript } from './scripts/provider-breaker.ts';

/** Creates the store on a shared connection. */
export const createRedisProviderBreakers = (redis: Redis, keyPrefix: string): ProviderBreakerStore => {
  const keyOf = (host: string): string => fleetKeys(keyPrefix).providerBreaker(host);
  return {
    readMany: async (hosts) => {
      const asked = [...new Set(hosts)];
      if (asked.length === 0) return new Map();
      const pipeline = redis.pipeline();
      pipeline.time();
      for (const host of asked) pipeline.hgetall(keyOf(host));
      const [time, ...replies] = valuesOfPipeline(await pipeline.exec());
      const now = millisecondsOf(time);
      return new Map(
        asked.flatMap((host, index): readonly (readonly [string, ProviderBreaker])[] => {
          // HGETALL answers an object of strings.
          const breaker = readBreaker(replies[index] as Readonly<Record<string, string>>, now);
          return breaker === null ? [] : [[host, breaker]];
        }),
      );
    },
    ask: async (host, { asker, isRequested, mayTry, leaseMs }) => {
      const args = [asker, isRequested ? 1 : 0, leaseMs, mayTry ? 1 : 0];
      const reply = listOf(await runScript(redis, askProviderScript, [keyOf(host)], args));
      if (numberOf(reply[0]) === 1)
        return { isGranted: true, isTrial: numberOf(reply[1]) === 1, failures: numberOf(reply[2]) };
      return {
        isGranted: false,
        waitMs: numberOf(reply[1]),
        state: stateOf(textOf(reply[2])),
        failures: numberOf(reply[3]),
        error: textOf(reply[4]),
      };
    },
    tell: async (host, asker, verdict) => {
      const failed = verdict.kind === 'unanswered' ? [verdict.pauseMs, verdict.error] : [];
      return stateOf(
        textOf(await runScript(redis, tellProviderScript, [keyOf(host)], [asker, verdict.kind, ...failed])),
      );
    },
  };
};

const stateOf = (text: string): ProviderBreakerState => (text === 'open' || text === 'half_open' ? text : 'closed');

/** Reads the hash of one host; null: there is none. Pure. */
const readBreaker = (fields: Readonly<Record<string, string>>, now: number): ProviderBreaker | null => {
  const failures = Number(fields['failures']);
  if (!Number.isFinite(failures)) return null;
  const until = Number(fields['until']);
  const isOpen = fields['until'] !== undefined && Number.isFinite(until);
  const isTried = fields['trial'] !== undefined && Number(fields['lease']) > now;
  return {
    state: !isOpen ? 'closed' : isTried || until <= now ? 'half_open' : 'open',
    failures,
    until: isOpen ? new Date(until).toISOString() : null,
    error: fields['error'] ?? '',
  };
};
