// Sources as the config gives them, for tests: parsed by the real schema, so that no test lives on a shape of its own.

import { type ResolvedSource, resolveSource } from '@stream-manager/shared/config/resolve-source';
import { type Config, configSchema } from '@stream-manager/shared/config/schema';

/** The config's view of one source entry. */
export const resolvedSource = (entry: Readonly<Record<string, unknown>>, id = 'a-source'): ResolvedSource => {
  const config: Config = configSchema.parse({ sources: { [id]: entry } });
  return resolveSource(config, id);
};
