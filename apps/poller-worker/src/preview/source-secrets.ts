// What must be cut from everything that is shown or saved of a source: its secrets, and the variables that stand where a
// secret would, so that what was saved with a key is found again without it.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isSecretPath } from '@stream-manager/shared/config/secret-keys';
import { secretsOf } from '../http/access.ts';
import { createRedactor, type Redactor } from '../http/secrets.ts';

const variable = /\$\{[A-Za-z_]\w*\}/g;

/** The redactor of one source. `variables`: what came from the environment, wherever it stands. */
export const redactorOf = (source: ResolvedSource, variables: readonly string[]): Redactor => {
  const found: string[] = [...secretsOf(source), ...variables];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'string') {
      if (isSecretPath(path)) found.push(value);
      found.push(...(value.match(variable) ?? []));
    } else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name]);
  };
  visit({ ...source, baseUrl: undefined }, []);
  return createRedactor(found);
};
