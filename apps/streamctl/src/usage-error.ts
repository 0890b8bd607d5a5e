/** Wrong use: one sentence for standard error, exit code 2. */
export class UsageError extends Error {
  /** What is printed below it; null: the usage of the command. */
  readonly help: string | null;

  constructor(message: string, help: string | null = null) {
    super(message);
    this.help = help;
  }
}
