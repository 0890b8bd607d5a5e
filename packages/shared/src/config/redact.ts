// What of a config must not be printed, so that a log can mask it wherever it turns up.
import type { Environment } from './overrides.ts';
import type { Config } from './schema.ts';
import { isSecretPath } from './secret-keys.ts';
import { isPemText } from './source-params/tls.ts';

/** In characters. Shorter texts are no secrets worth hiding, and masking them would riddle a log with holes. */
export const shortestSecret = 6;

/**
 * The secrets in a config that was loaded, and in the addresses of proxies in the environment, so that a log can mask
 * them wherever they turn up. Texts under 6 characters are left out.
 */
export function secretValues(loaded: {
  readonly config: Config;
  readonly env?: Environment;
  /** `LoadedConfig.variables`. */
  readonly variables?: readonly string[];
}): readonly string[] {
  const found = new Set<string>();
  const add = (secrets: readonly string[]): void => {
    for (const secret of secrets) if (secret.length >= shortestSecret && !isVariable(secret)) found.add(secret);
  };
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string') {
      const isSecret = isSecretPath(path) && !(isKeyPath(path) && !isPemText(value));
      add(isSecret ? [value] : userParts(value));
    } else forEachValue(value, (child, key) => visit(child, [...path, key]));
  };
  visit(loaded.config, []);
  add(loaded.variables ?? []);
  for (const { auth } of Object.values(loaded.config.sources))
    if (auth?.type === 'basic')
      // What stands in the header.
      add([Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')]);
  for (const [name, value] of Object.entries(loaded.env ?? {}))
    if (/^https?_proxy$/i.test(name) && value !== undefined) add(proxyPassword(value));
  return [...found];
}

/** A private key may be given as the path of its file, which is no secret. */
const isKeyPath = (path: readonly PropertyKey[]): boolean => path.at(-2) === 'tls' && path.at(-1) === 'key';

/** The address of a proxy may be written without its scheme. */
const proxyPassword = (address: string): readonly string[] =>
  userParts(address.includes('://') ? address : `http://${address}`);

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
