// How keys may be spelled. The config knows each key in camelCase; files may also write it in snake_case, and environment
// variables may use any case with `_` and `-` anywhere, because shells allow little else.

/** `maxRecords` → `max_records`. */
export const snakeCase = (key: string): string => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** `maxRecords` → `MAX_RECORDS`, the form that messages suggest for environment variables. */
export const screamingCase = (key: string): string => snakeCase(key).replaceAll('-', '_').toUpperCase();

/** What is left of a key when case, `_` and `-` do not count: `max_records`, `MAXRECORDS` and `maxRecords` are the same. */
export const foldKey = (key: string): string => key.replace(/[_-]/g, '').toLowerCase();

/** A path as people read it: `sources.firms.params.bbox[2]`; names with dots or spaces are quoted: `topics["a.b"].partitions`. */
export function printPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(String(part))) text += `${text === '' ? '' : '.'}${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}
