// Prints config faults for people: one line each, with a place that terminals and editors can open by a click.
import type { ConfigError, ConfigIssue } from './config-error.ts';

/** `stream.yaml:12:5  sources.firms.evry  unknown key. Did you mean "every"?` */
export function formatConfigIssue(issue: ConfigIssue): string {
  const place = issue.line > 0 ? `${issue.file}:${issue.line}:${issue.column}` : issue.file;
  return [place, issue.path, issue.message].filter((part) => part !== '').join('  ');
}

/** All faults of a refused config, one per line, without a line feed at the end. Holds no secret values. */
export function formatConfigError(error: ConfigError): string {
  return error.issues.map(formatConfigIssue).join('\n');
}
