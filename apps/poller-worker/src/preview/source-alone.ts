// One source of a config for a look at it, enabled or not: the others may lack their secrets here.
import { openVariables } from '@stream-manager/shared/config/open-variables';
import type { Config } from '@stream-manager/shared/config/schema';
import { type Extensions, noExtensions } from '@stream-manager/shared/extensions/extensions';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { createModes } from '../modes/modes.ts';
import { createPolledSources, type PolledSource } from '../polled-sources.ts';
import { createSourceRegistry } from '../sources/registry.ts';

/** What a config comes with. */
export interface FromConfig {
  /** Modules of the user's own that the source names; default: none. */
  readonly extensions?: Extensions;
  /** `LoadedConfig.variables`: cut from everything. Default: nothing. */
  readonly variables?: readonly string[];
}

/** The source. Throws `config_invalid` if the config does not have it, `source_unsupported` for a module that was not loaded. */
export const sourceAlone = (
  config: Config,
  sourceId: string,
  { extensions = noExtensions, variables = [] }: FromConfig,
): PolledSource => {
  const entry = Object.hasOwn(config.sources, sourceId) ? config.sources[sourceId] : undefined;
  const polled =
    entry === undefined
      ? undefined
      : createPolledSources(
          { ...config, sources: { [sourceId]: { ...entry, enabled: true } } },
          createSourceRegistry({ extensions, variables }),
          createModes(extensions),
        ).get(sourceId);
  if (polled !== undefined) return polled;
  throw new StreamManagerError(
    'config_invalid',
    `the config has no source "${sourceId}" (it has ${Object.keys(config.sources).join(', ') || 'none'})`,
  );
};

/** Throws `secret_missing` when a variable of the source has no value. */
export const requireVariables = ({ config }: PolledSource): void => {
  const open = openVariables(config);
  if (open.length > 0)
    throw new StreamManagerError(
      'secret_missing',
      `sources.${config.id} needs ${open.join(', ')}: set ${open.length === 1 ? 'it' : 'them'} and try again`,
    );
};
