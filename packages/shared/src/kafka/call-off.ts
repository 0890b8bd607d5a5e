// A publish that its caller calls off: what was not handed over to a broker then never goes out, and fails as `stopped`;
// what was handed over is answered as it ends. Asked wherever a batch takes a step towards a broker.
import { StreamManagerError } from '../failures/errors.ts';

/** Whether a publish was called off. */
export interface CallOff {
  /** The error with which everything fails that was not handed over, always the same one; null while the publish goes on. */
  error(): Error | null;
  /** Settles as `work` does, or rejects with that error at once when the publish is called off. Only for work that sends nothing. */
  orOff<Result>(work: Promise<Result>): Promise<Result>;
}

const never: CallOff = { error: () => null, orOff: (work) => work };

/** Creates it for the signal of one publish; without one the publish is never called off. */
export const createCallOff = (signal: AbortSignal | undefined): CallOff => {
  if (signal === undefined) return never;
  let known: Error | null = null;

  const error = (): Error | null => {
    if (!signal.aborted) return null;
    const cause: unknown = signal.reason;
    // An AbortError says nothing, and would stand for the cause.
    known ??= new StreamManagerError(
      'stopped',
      'the publish was called off',
      cause instanceof StreamManagerError ? { cause } : {},
    );
    return known;
  };

  return {
    error,
    orOff: (work) =>
      new Promise((resolve, reject) => {
        const stop = (): void => reject(error());
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
        work.then(
          (result) => {
            signal.removeEventListener('abort', stop);
            resolve(result);
          },
          (failure: unknown) => {
            signal.removeEventListener('abort', stop);
            reject(failure);
          },
        );
      }),
  };
};
