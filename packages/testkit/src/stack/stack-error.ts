// What the stack refuses, as errors whose message is written for the person at the terminal: it names what was found and
// what to do. `exitCode` is what a command should exit with when such an error ends it (2 = refused).

/**
 * - `in_use`: the data directory belongs to a run that is alive.
 * - `unavailable`: a server or a program cannot be had here (no Docker, nothing on the PATH, the download failed).
 * - `unreachable`: an address that was given (`REDIS_URL`, `KAFKA_BROKERS`) does not answer.
 * - `invalid`: a setting of the stack has a value it cannot have.
 */
export type StackErrorCode = 'in_use' | 'unavailable' | 'unreachable' | 'invalid';

export class StackError extends Error {
  readonly code: StackErrorCode;
  readonly exitCode = 2;

  constructor(code: StackErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StackError';
    this.code = code;
  }
}
