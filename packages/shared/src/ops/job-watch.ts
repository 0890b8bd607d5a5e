// Notices jobs that hang: work whose processor neither ends nor gets on. Whoever processes a job runs it here and says
// whenever it gets on; without a sign for the limit the job is given up, so that it goes to another worker.
//
//   running ──act settles──► done
//      └──no sign for limitMs──► abandoned: `run` rejects with `hung`, /readyz names the job (503)
//                                   ├──the act settles at last──► forgotten
//                                   └──five minutes later──► forgotten (the job is somebody else's for long)
import { messageOf, StreamManagerError } from '../failures/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Health } from './health.ts';

/** What the watch needs. */
export interface JobWatchDeps {
  readonly health: Pick<Health, 'setProblem'>;
  readonly logger: Logger;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Runs an act later; returns the undo. */
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** How a process watches its jobs. */
export interface JobWatchOptions {
  /** How long a job may show no sign, in milliseconds. */
  readonly limitMs: number;
  /** The component in /readyz; default `hung`. Two watches of one process need two. */
  readonly component?: string;
}

/** Watches the jobs of one process. */
export interface JobWatch {
  /**
   * Runs `act`, which calls `progress` whenever it gets on. Settles as the act does, or rejects with `hung` when there
   * was no sign for the limit (`own.limitMs`, if this job has one of its own). The act itself is not ended by that: give
   * it a signal, and abort it when this rejects.
   */
  run<T>(name: string, act: (progress: () => void) => Promise<T>, own?: Pick<JobWatchOptions, 'limitMs'>): Promise<T>;
}

/** An abandoned job that never settles is named in /readyz for this long, in milliseconds. */
export const abandonedShownMs = 5 * 60_000;

/**
 * The limit is counted in this many looks, none of which counts for more than twice its length: a process that was
 * itself frozen for an hour has not watched for an hour, and its jobs get the rest of their time.
 */
const looks = 4;

/** Jobs named in one health problem at most. */
const namedJobs = 5;

/** Creates a watch. */
export const createJobWatch = (deps: JobWatchDeps, options: JobWatchOptions): JobWatch => {
  const { component = 'hung' } = options;
  const abandoned = new Map<symbol, string>();

  const report = (): void => {
    const names = [...abandoned.values()];
    const more = names.length > namedJobs ? ` and ${names.length - namedJobs} more` : '';
    const named = `${names.slice(0, namedJobs).join(', ')}${more}`;
    deps.health.setProblem(component, names.length === 0 ? null : `no progress, given up: ${named}`);
  };

  const abandon = (name: string, limitMs: number, act: Promise<unknown>): void => {
    const id = Symbol(name);
    abandoned.set(id, name);
    report();
    deps.logger.error({ job: name, limitMs }, 'a job hangs and is given up');
    const forget = (): void => {
      abandoned.delete(id);
      report();
    };
    const undo = deps.after(abandonedShownMs, forget);
    const settle = (error: string | null): void => {
      undo();
      forget();
      deps.logger.warn({ job: name, error }, 'a job that was given up has ended after all');
    };
    // Nobody waits for it any more: its end is only told.
    act.then(
      () => settle(null),
      (error: unknown) => settle(messageOf(error)),
    );
  };

  return {
    run: (name, act, own) => {
      const { limitMs } = own ?? options;
      const lookMs = limitMs / looks;
      let idleMs = 0;
      let lookedAt = deps.now();
      const progress = (): void => {
        idleMs = 0;
        lookedAt = deps.now();
      };
      // An act that throws at once rejects like any other.
      const acting = (async () => act(progress))();
      return new Promise((resolve, reject) => {
        let undo: () => void;
        const look = (): void => {
          const now = deps.now();
          idleMs += Math.min(now - lookedAt, 2 * lookMs);
          lookedAt = now;
          if (idleMs < limitMs) {
            undo = deps.after(Math.min(lookMs, limitMs - idleMs), look);
            return;
          }
          abandon(name, limitMs, acting);
          reject(new StreamManagerError('hung', `${name}: no progress for ${limitMs / 1000} s`));
        };
        undo = deps.after(lookMs, look);
        acting.then(
          (value) => {
            undo();
            resolve(value);
          },
          (error: unknown) => {
            undo();
            reject(error);
          },
        );
      });
    },
  };
};
