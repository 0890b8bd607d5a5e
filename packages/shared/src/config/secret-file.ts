// A variable from a file: when NAME is not set, NAME_FILE may name a file that holds its value, as Docker and Kubernetes
// hand secrets over. What a file holds, and the path (which may be a secret that was put in the wrong variable), is in no
// error.
import { closeSync, openSync, readSync } from 'node:fs';
import type { Environment } from './overrides.ts';

/** What a variable comes to; `file`: the variable that names a file which cannot be used, and why. */
export type VariableValue =
  | { readonly value: string }
  | { readonly value: undefined; readonly file?: { readonly variable: string; readonly why: string } };

/** A larger file is no secret, in bytes. */
const largestFile = 65_536;

/** The value of a variable, from the environment or from its file; one that is empty counts as not set. */
export function valueOfVariable(env: Environment, name: string): VariableValue {
  const own = Object.hasOwn(env, name) ? env[name] : undefined;
  if (own !== undefined && own !== '') return { value: own };
  const variable = `${name}_FILE`;
  const path = Object.hasOwn(env, variable) ? env[variable] : undefined;
  if (path === undefined || path === '') return { value: undefined };
  const read = readSecretFile(path);
  if ('why' in read) return { value: undefined, file: { variable, why: read.why } };
  return read.text === '' ? { value: undefined, file: { variable, why: 'names an empty file' } } : { value: read.text };
}

/** The text of a file without its last line break, or why it cannot be used, as a clause behind the variable's name. */
export function readSecretFile(path: string): { readonly text: string } | { readonly why: string } {
  let bytes: Buffer;
  try {
    bytes = readAtMost(path, largestFile + 1);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return { why: `names a file that cannot be read${code}` };
  }
  if (bytes.length > largestFile) return { why: `names a file of more than ${largestFile} bytes` };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text: text.replace(/\r?\n$/, '') };
  } catch {
    return { why: 'names a file that is not encoded as UTF-8' };
  }
}

/** Bounded also for what is no file on a disk and has no size. */
const readAtMost = (path: string, limit: number): Buffer => {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(limit);
    let length = 0;
    while (length < limit) {
      const read = readSync(file, bytes, length, limit - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
};
