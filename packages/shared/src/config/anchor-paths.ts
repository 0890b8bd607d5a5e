// Paths of files in a config start at the file that names them, wherever a process was started.
import { isAbsolute, resolve } from 'node:path';
import type { Config } from './schema.ts';
import { isPemText, type SourceTls } from './source-params/tls.ts';

/** The config with absolute paths of certificates and keys; `directory`: that of the config file. */
export function anchorPaths(config: Config, directory: string): Config {
  const sources: Config['sources'] = {};
  for (const [id, source] of Object.entries(config.sources))
    sources[id] = source.tls === undefined ? source : { ...source, tls: anchorTls(source.tls, directory) };
  return { ...config, sources };
}

function anchorTls(tls: SourceTls, directory: string): SourceTls {
  const anchored = { ...tls };
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = tls[name];
    // A variable that is still open may hold either.
    if (value !== undefined && !isPemText(value) && !isAbsolute(value) && !value.includes('${'))
      anchored[name] = resolve(directory, value);
  }
  return anchored;
}
