// Tells which variables a source still lacks. A process without secrets loads them open, and so does every process for a
// disabled source, which an operator may start all the same: it must not be polled with `${NAME}` for a key.
import type { SourceConfig } from './schema.ts';

/** Names of the variables that stand open in what pollers alone read of a source. Empty when it can be polled. */
export function openVariables(
  source: Pick<SourceConfig, 'params' | 'headers' | 'baseUrl' | 'auth' | 'tls'>,
): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string')
      for (const [, name] of value.matchAll(/\$\{([A-Za-z_]\w*)\}/g)) found.add(name ?? '');
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit([source.params, source.headers, source.baseUrl, source.auth, source.tls]);
  return [...found];
}
