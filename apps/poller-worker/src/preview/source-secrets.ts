// What must be cut from everything that is shown or saved of a source: its secrets, and the variables that stand where a
// secret would, so that what was saved with a key is found again without it.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { isSecretPath } from '@stream-manager/shared/config/secret-keys';
import { createRedactor, type Redactor } from '../http/secrets.ts';

/** The redactor of one source. */
export const redactorOf = (source: ResolvedSource): Redactor => {
  const found: string[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'string') {
      if (isSecretPath(path)) found.push(value);
    } else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name]);
  };
  visit(source, []);
  return createRedactor(found);
};
