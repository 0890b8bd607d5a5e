// The one contract of everything that runs for long: started once, stopped as often as anybody likes.

/** A long-running thing. `stop` is idempotent, safe before `start`, and resolves when nothing of it runs any more. */
export interface Service {
  /** Resolves when it is ready to work. `signal` aborts a start that takes too long; it does not stop a started service. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
