// What a pipeline answered. ioredis resolves a pipeline although Redis refused its commands (OOM at `maxmemory`, READONLY
// after a failover), so the answers have to be looked at.

/** The values of a pipeline, in order. Throws the first error of its commands; an aborted pipeline has no values. */
export const valuesOfPipeline = (replies: readonly (readonly [Error | null, unknown])[] | null): readonly unknown[] =>
  (replies ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
