// `streamctl sources init TYPE`: a config of one source to start from, on standard output.
import { nearestKey } from '@stream-manager/shared/config/nearest-key';
import { sourceStarter } from '@stream-manager/shared/config/reference/source-starter';
import { sourceTypes } from '@stream-manager/shared/config/source-types';
import { parseOptions } from '../parse-options.ts';
import { UsageError } from '../usage-error.ts';

/** The config as text. Throws a UsageError. */
export const initSource = (args: readonly string[]): string => {
  const { values, positionals } = parseOptions(args, { all: { type: 'boolean', default: false } });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) throw new UsageError(`expected one type: ${sourceTypes.join(', ')}`);
  const type = sourceTypes.find((known) => known === name);
  if (type !== undefined) return sourceStarter(type, { all: values.all });
  const near = nearestKey(name, sourceTypes);
  throw new UsageError(
    `there is no source type "${name}"${near === undefined ? '' : `; did you mean ${near}?`} (${sourceTypes.join(', ')})`,
  );
};
