// Logs: pino, one line of JSON per event, with everything that could be a secret cut out twice: by field name, and by
// value (the secrets of this process are known, so no line can carry one, whatever put it there).
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

const secretFields = ['password', 'token', 'apiKey', 'mapKey', 'authorization', 'sasl', 'secret'];

/** Levels of `LOG_LEVEL`; default info. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Replaces every secret in a text by `***`. Secrets shorter than 4 characters are left: they would blank out half of the text. */
export const cutSecrets = (text: string, secrets: readonly string[]): string => {
  let cut = text;
  for (const secret of secrets) if (secret.length >= 4) cut = cut.replaceAll(secret, '***');
  return cut;
};

/** Where and how to log. */
export interface LoggerOptions {
  /** Name of the process, such as `poller-worker`. */
  readonly role: string;
  readonly instance: string;
  /** One of `logLevels`; anything else is `info`. */
  readonly level?: string | undefined;
  /** Values that must never be written, in addition to fields named like secrets. */
  readonly secrets?: readonly string[];
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** Creates the process' logger. */
export const createLogger = (options: LoggerOptions): Logger => {
  const encoded = (options.secrets ?? []).flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]);
  const secrets = [...new Set(encoded)].sort((a, b) => b.length - a.length);
  const settings = {
    level: logLevels.find((level) => level === options.level) ?? 'info',
    base: { role: options.role, instance: options.instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '***' },
    hooks: { streamWrite: (line: string) => (secrets.length === 0 ? line : cutSecrets(line, secrets)) },
  };
  // Written at once, as Node's own console does it: with lines still in hand, pino tries at exit for ever to write them to a
  // reader that has gone (`| tee log`, and Ctrl-C ends tee first), and no signal but SIGKILL ends the process.
  return pino(settings, options.destination ?? pino.destination({ dest: 1, sync: true }));
};
