// Makes the memory of the HTTP client on the process' own Redis, and shows what the day has cost. Called by compose.ts.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { after } from '@stream-manager/shared/ops/after';
import type { ProcessContext } from '@stream-manager/shared/ops/process-context';
import { version } from '@stream-manager/shared/ops/version';
import { dayBudgetFor } from '../sources/shared-limit.ts';
import { createSecretsOfSource } from './access.ts';
import { createDayBudget, type DayBudget } from './day-budget.ts';
import type { JsonParser } from './parse-large-json.ts';
import { createRedisAnswerCache } from './redis-answer-cache.ts';
import { createRedisAnswerMarks } from './redis-answer-marks.ts';
import { createRememberingHttp } from './remembering-http.ts';
import { createRequestNames } from './request-names.ts';
import type { HttpClients } from './undici-client.ts';

/** Puts the memory around the clients of a process; `all`: the sources of its config. */
export const composeMemory = (
  clients: HttpClients,
  context: Pick<ProcessContext, 'config' | 'redis' | 'redisMemory' | 'logger' | 'metrics' | 'extensions'>,
  {
    all,
    jsonParser,
    secrets,
  }: { readonly all: readonly ResolvedSource[]; readonly jsonParser: JsonParser; readonly secrets: readonly string[] },
): HttpClients => {
  const { config, redis, redisMemory, logger, metrics, extensions } = context;
  const { keyPrefix } = config.redis;
  const budget = createDayBudget({ redis, keyPrefix });
  const budgets = new Map(all.map((source) => [source.id, dayBudgetFor(source, all)]));
  showBudgets(budget, budgets, context);
  return createRememberingHttp(clients, {
    cache: createRedisAnswerCache({ redis, keyPrefix, maxBytes: config.polling.cacheMaxBytes }),
    marks: createRedisAnswerMarks({ redis, keyPrefix }),
    budget,
    budgetOf: (source) => budgets.get(source.id) ?? dayBudgetFor(source, all),
    names: createRequestNames({ version, versionOf: (id) => extensions?.sourceVersions?.get(id) ?? '' }),
    jsonParser,
    secretsOfSource: createSecretsOfSource(secrets),
    memory: redisMemory,
    metrics,
    logger,
    after,
    monotonicNow: () => performance.now(),
  });
};

/** Budgets are the fleet's: each scrape reads them, so that every poller shows the same. Without `dailyBudget`: what was charged. */
const showBudgets = (
  budget: DayBudget,
  budgets: ReadonlyMap<string, ReturnType<typeof dayBudgetFor>>,
  { metrics, logger }: Pick<ProcessContext, 'metrics' | 'logger'>,
): void => {
  for (const [source, { perDay }] of budgets) if (perDay !== null) metrics.dayBudgetLimit.set({ source }, perDay);
  metrics.beforeScrape.add(async () => {
    const names = new Set([...budgets.values()].map(({ budget: name }) => name));
    try {
      const used = new Map(await Promise.all([...names].map(async (name) => [name, await budget.used(name)] as const)));
      for (const [source, { budget: name, perDay }] of budgets) {
        const spent = used.get(name) ?? 0;
        if (perDay !== null || spent > 0) metrics.dayBudgetUsed.set({ source }, spent);
        else metrics.dayBudgetUsed.remove({ source });
      }
    } catch (error) {
      // What was read last stays; a Redis that is away is told of elsewhere.
      logger.debug({ error: messageOf(error) }, 'daily budgets not read');
    }
  });
};
