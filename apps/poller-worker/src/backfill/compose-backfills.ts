// Puts the backfills of a poller together from what its polls use.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { JobWatch } from '@stream-manager/shared/ops/job-watch';
import { createBackfillStore } from '@stream-manager/shared/queues/backfill-store';
import type { Redis } from 'ioredis';
import type { RateLimit } from '../http/rate-limit.ts';
import type { PolledSource } from '../polled-sources.ts';
import { createBackfillJobProcessor } from '../queues/backfill-jobs.ts';
import { createBackfillHttp } from './backfill-http.ts';
import { type BackfillDeps, createBackfillStage } from './run-slice.ts';

/** What of the poller backfills use. */
export interface BackfillsDeps extends Omit<BackfillDeps, 'store'> {
  readonly redis: Redis;
  readonly rateLimit: Pick<RateLimit, 'acquire'>;
  readonly limitOf: (sourceId: string) => number;
  readonly watch: JobWatch;
  readonly hangLimitMs: (sourceId: string) => number;
  readonly stop: AbortSignal;
}

/** The backfills of one poller. */
export interface Backfills {
  /** Runs a job named `backfill`. */
  readonly process: ReturnType<typeof createBackfillJobProcessor>;
  /** Tells the fleet which sources can be asked for the past. Never rejects. */
  announce(): Promise<void>;
}

const canBeAsked = ({ config, connector }: PolledSource): readonly [string, number] => [
  config.id,
  connector.backfill?.sliceMs ?? 0,
];

/** Composes them. */
export const composeBackfills = (deps: BackfillsDeps, options: { readonly keyPrefix: string }): Backfills => {
  const store = createBackfillStore(deps.redis, options.keyPrefix);
  const backfill = createBackfillStage({ ...deps, store, http: createBackfillHttp(deps) });
  const logger: Logger = deps.logger;
  return {
    process: createBackfillJobProcessor({ ...deps, backfill }),
    announce: async () => {
      try {
        await store.writeSlices(new Map([...deps.sources.values()].map(canBeAsked)));
      } catch (error) {
        // A full Redis refuses it; the pollers before this one have said the same.
        logger.warn({ error: messageOf(error) }, 'the fleet was not told which sources can be backfilled');
      }
    },
  };
};
