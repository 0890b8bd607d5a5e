// Whether Kafka takes records, as /readyz shows it. Three things may be wrong:
//   - the cluster does not answer a look, or takes nothing from anybody: the `kafka` problem of this process (503);
//   - one topic or partition is sick while others go on: a note on the source, never a problem of the process;
//   - nothing is published at all: then a look at the cluster, every few seconds while there is a problem, tells.
// A process starts without Kafka and says so. Each state is logged when it begins and when it ends.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { KafkaAdminPort } from '@stream-manager/shared/kafka/port';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Service } from '@stream-manager/shared/ops/service';
import type { BatchOutage, KafkaWatch } from './publish.ts';
import type { SourceNotes } from './source-notes.ts';

/** Time between two looks at a cluster that does not answer, in milliseconds. */
const lookIntervalMs = 5_000;
/** Batches in a row of which nothing was acknowledged, with none between that was, before the process counts as at fault. */
export const failedBatchesMax = 3;
/** And the row is at least this long, in milliseconds: many batches of one sick topic may fail within a moment. */
export const silenceMs = 5_000;
/** A failure of a batch counts as over after this long without another, in milliseconds; waiting chunks try every second. */
export const failureHoldsMs = 30_000;

export interface KafkaWatchDeps {
  readonly admin: Pick<KafkaAdminPort, 'listTopics'>;
  readonly health: Pick<Health, 'setProblem'>;
  readonly notes: SourceNotes;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The watch; `check` is what its timer does: a look while there is a problem, and notes that have outlived their cause. */
export interface RunningKafkaWatch extends KafkaWatch, Service {
  check(): Promise<void>;
}

/** Creates the watch. `start` looks once in the background: it never waits for Kafka. */
export const createKafkaWatch = (deps: KafkaWatchDeps): RunningKafkaWatch => {
  const { now } = deps;
  let problem: string | null = null;
  /** Batches in a row of which nothing was acknowledged, and when the row began and last grew. */
  const row = { batches: 0, since: 0, last: 0 };
  const outages = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | null = null;
  let isStopped = false;

  const clear = (): void => {
    row.batches = 0;
    if (problem === null) return;
    problem = null;
    deps.health.setProblem('kafka', null);
    deps.logger.info('Kafka takes records again');
  };
  const raise = (message: string): void => {
    if (problem === null)
      deps.logger.warn({ error: message }, 'Kafka does not take records; chunks wait in Redis without using attempts');
    if (problem === message) return;
    problem = message;
    deps.health.setProblem('kafka', `unreachable: ${message}`);
  };
  const note = ({ sourceId, code }: BatchOutage): void => {
    // The first reason stays while it lasts: partitions of one topic may give several in turn.
    if (!outages.has(sourceId))
      deps.notes.set(sourceId, 'outage', `Kafka does not take all records of this source now (${code}); they wait`);
    outages.set(sourceId, now());
  };

  const look = (): Promise<void> => {
    if (isStopped) return Promise.resolve();
    looking ??= deps.admin
      .listTopics()
      .then(
        () => {
          // A cluster may answer a look and still take nothing: what is published knows better.
          if (row.batches === 0 || now() - row.last > failureHoldsMs) clear();
        },
        (error: unknown) => {
          if (!isStopped) raise(messageOf(error));
        },
      )
      .finally(() => {
        looking = null;
      });
    return looking;
  };

  const check = async (): Promise<void> => {
    for (const [sourceId, failedAt] of outages) {
      if (now() - failedAt <= failureHoldsMs) continue;
      outages.delete(sourceId);
      deps.notes.set(sourceId, 'outage', null);
    }
    if (problem !== null) await look();
  };

  return {
    acknowledged: clear,
    failed: (outage) => {
      // While the process is at fault, a line for each of its sources would say nothing more.
      if (problem === null) note(outage);
      if (!outage.isWhole) return;
      row.last = now();
      if (row.batches === 0) {
        row.since = row.last;
        // A cluster that is away is known at once, without waiting for a row.
        void look();
      }
      row.batches += 1;
      if (row.batches >= failedBatchesMax && row.last - row.since >= silenceMs) raise(outage.message);
    },
    check,
    start: async () => {
      void look();
      timer = setInterval(() => void check(), lookIntervalMs);
    },
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
    },
  };
};
