// What of a config must not be printed, so that a log can mask it wherever it turns up.
import type { Config } from './schema.ts';
import { isSecretPath } from './secret-keys.ts';

/** Shorter texts are no secrets worth hiding, and masking them would riddle a log with holes. */
const shortestSecret = 6;

/** The secrets in a config that was loaded, so that a log can mask them wherever they turn up. Texts under 6 characters are left out. */
export function secretValues(loaded: { readonly config: Config }): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string') {
      for (const secret of isSecretPath(path) ? [value] : userParts(value))
        if (secret.length >= shortestSecret && !isVariable(secret)) found.add(secret);
    } else forEachValue(value, (child, key) => visit(child, [...path, key]));
  };
  visit(loaded.config, []);
  return [...found];
}

const isVariable = (text: string): boolean => /^\$\{[A-Za-z_]\w*\}$/.test(text);

/** Password of an address, as it is written there and as it is meant. */
function userParts(text: string): readonly string[] {
  if (!text.includes('@') || !URL.canParse(text)) return [];
  const { password } = new URL(text);
  return [password, safeDecode(password)];
}

const safeDecode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % in a password: then it stands there as it is meant.
    return text;
  }
};

const forEachValue = (value: unknown, visit: (child: unknown, key: PropertyKey) => void): void => {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, index);
  else if (typeof value === 'object' && value !== null)
    for (const [key, child] of Object.entries(value)) visit(child, key);
};
