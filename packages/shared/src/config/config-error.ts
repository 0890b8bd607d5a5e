// What a refused config tells its reader. One ConfigError carries every fault of the file at once, each with its place,
// what was expected and what was found, so that a file is put right in one round and not in ten.

/** One fault of a config. `line` and `column` count from 1; both are 0 where a fault has no line (a missing file, an environment variable). */
export type ConfigIssue = {
  /** The file as it was named, relative to the working directory when below it; `environment variable NAME` for an override. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Key path in camelCase, such as `sources.firms.every`; empty for the file as a whole. */
  readonly path: string;
  /** The whole explanation as one sentence or two, without the place. Never holds a secret. */
  readonly message: string;
  /** What would have been right, in words. */
  readonly expected: string;
  /** What stands there, shortened; `***` for whatever came from `${…}` or stands under a key that looks like a secret. */
  readonly found: string;
  /** The nearest known key, value or variable name, where one is near. */
  readonly nearest?: string;
};

/**
 * A config that cannot be used. `issues` holds at least one fault, in the order of the file.
 * `formatConfigError` prints them; a process that gets this error exits with code 2.
 */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    const first = issues[0];
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    const where = first === undefined ? '' : `${first.path === '' ? first.file : first.path}: ${first.message}`;
    super(`the config is not usable: ${where}${more}`);
    this.name = 'ConfigError';
    this.issues = issues;
  }
}
