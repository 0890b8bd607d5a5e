// Keeps secrets out of what people read: every error and log line about an exchange passes through here. A provider may
// echo a key in its answer, a redirect may carry it, an address may hold it URL-encoded: all forms are cut.

/** Replaces every form of the secrets it was made for by `***`. */
export type Redactor = (text: string) => string;

/** Stands where a secret stood. */
const cut = '***';

const isHighOrLowSurrogateAlone = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret, 'utf8');
  const base64 = [bytes.toString('base64'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
  const forms = [secret, JSON.stringify(secret).slice(1, -1), ...base64];
  // encodeURIComponent throws on half a surrogate pair; such a text cannot stand in an address either.
  if (!isHighOrLowSurrogateAlone.test(secret)) {
    const encoded = encodeURIComponent(secret);
    const strict = encoded.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    for (const form of [encodeURI(secret), encoded, strict]) {
      forms.push(
        form,
        form.replaceAll('%20', '+'),
        form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      );
    }
  }
  return forms;
};

/** Makes the redactor of one request. Null and empty secrets are ignored; longer forms are cut first. */
export const createRedactor = (secrets: readonly (string | null)[]): Redactor => {
  const forms = secrets.flatMap((secret) => (secret === null || secret === '' ? [] : formsOf(secret)));
  const byLength = [...new Set(forms)].sort((one, other) => other.length - one.length);
  return (text) => byLength.reduce((rest, form) => rest.replaceAll(form, cut), text);
};

/** So often a text may be encoded over itself before that alone makes it suspect. */
const mostLayers = 5;

/** Letters may be written as codes. */
const decoded = (text: string): string =>
  text.replace(/(%[0-9a-f]{2})+/gi, (codes) => Buffer.from(codes.replaceAll('%', ''), 'hex').toString('utf8'));

/** Is a secret in it, in whatever spelling an address can have? */
export const holdsSecret = (text: string, redact: Redactor): boolean => {
  let form = text;
  for (let layer = 0; layer <= mostLayers; layer++) {
    if (redact(form) !== form) return true;
    const inner = decoded(form);
    if (inner === form) return false;
    form = inner;
  }
  return true;
};

const harmlessHeaders = new Set(['accept', 'accept-language', 'accept-encoding', 'content-type', 'user-agent']);

/** The values of an operator's own headers that may be secrets: all but a few harmless names, from 6 characters on. */
export const secretHeaderValues = (headers: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(headers)
    .filter(([name, value]) => !harmlessHeaders.has(name.toLowerCase()) && value.length >= 6)
    .flatMap(([, value]) => secretsOfHeader(value));

/** What of a header's value is to be cut: `Bearer abcdefgh` is also `abcdefgh`. */
export const secretsOfHeader = (value: string): readonly string[] => [
  value,
  ...value.split(' ').filter((part) => part.length >= 8),
];

/** Longest excerpt of an answer in an error, in characters. */
const excerptCharacters = 200;

/** Longest form of a secret that a cut may go through, in characters. */
const edgeCharacters = 1024;

/**
 * The beginning of an answer for an error message: on one line, without control characters, without secrets, at most
 * 200 characters. A text that was itself cut off (`isCut`) loses its end first, so that no half of a secret stays there.
 */
export const excerptOf = (text: string, redact: Redactor, isCut = false): string => {
  const redacted = redact(text);
  const safe = isCut ? redacted.slice(0, -edgeCharacters) : redacted;
  // Control characters would let an answer write lines of its own into a terminal or a log.
  const line = safe.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD\s]+/gu, ' ').trim();
  return line.length > excerptCharacters ? `${line.slice(0, excerptCharacters - 1)}…` : line;
};
