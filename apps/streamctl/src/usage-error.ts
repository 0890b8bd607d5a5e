/** Wrong use: one sentence for standard error, exit code 2. */
export class UsageError extends Error {}
