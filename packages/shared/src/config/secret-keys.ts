// Decides what must never be printed: values under keys that look like secrets, header values except a few harmless
// ones, and the user part of addresses. Asked by error messages, by the redacted print and by the config's version.

/** What is shown in place of a secret. */
export const mask = '***';

const secretLooking = /key|passw|pwd|passphrase|token|secret|credential|(?<!un)auth|cookie|signature/;
const notSecret = new Set(['partitionkey', 'keyprefix', 'tokenurl']);
const harmlessHeaders = new Set(['accept', 'acceptlanguage', 'contenttype', 'useragent']);

const fold = (key: string): string => key.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

/** Does the value at this path have to stay hidden? Looks at the last name in the path, and at `headers` or `auth` above it. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  const names = path.filter((part) => typeof part === 'string');
  const last = fold(names.at(-1) ?? '');
  if (names.at(-2) === 'headers') return !harmlessHeaders.has(last);
  if (names.at(-2) === 'auth' && last === 'value') return true;
  return secretLooking.test(last) && !notSecret.has(last);
}

/** Hides user and password of an address (`redis://:pw@host` → `redis://***@host`), also of one that is mistyped. */
export const maskAddress = (text: string): string => text.replace(/[^\s/]*:[^\s]*@/g, (part) => hideUser(part));

const hideUser = (part: string): string => {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(part)?.[0] ?? '';
  return `${scheme}${mask}@`;
};
