// The rows in a body: a JSON array, one JSON object, or NDJSON. A line of NDJSON that is no JSON is one invalid row; a body
// of which nothing can be read is refused as a whole.
import { messageOf } from '@stream-manager/shared/failures/errors';
import { parseExactJson } from '../../http/exact-json.ts';

/** What stands in a row: a value, or text that is no JSON. */
export type BodyRow = { readonly value: unknown; readonly text: string | null } | { readonly unreadable: string };

/** The rows, or the status and the reason why there are none. */
export type BodyParse =
  | { readonly rows: readonly BodyRow[] }
  | { readonly status: 400 | 413 | 415; readonly message: string };

const lineTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
]);
/** Types whose first byte decides; curl sends the last one where nobody says. */
const otherTypes = new Set([
  '',
  'application/json',
  'text/json',
  'text/plain',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Takes a body apart into `maxRows` rows at most. `contentType`: the header, if there is one. Pure. */
export const readRows = (body: Buffer, contentType: string | undefined, maxRows: number): BodyParse => {
  const tooMany = { status: 413, message: `The body has more than ${maxRows} rows (params.maxRows).` } as const;
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isLines = lineTypes.has(type);
  if (!isLines && !otherTypes.has(type) && !type.endsWith('+json'))
    return {
      status: 415,
      message: `Content-Type ${type} is not taken; application/json and application/x-ndjson are.`,
    };
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return { status: 400, message: 'The body is no text in UTF-8.' };
  }
  if (text.trim() === '')
    return { status: 400, message: 'The body is empty: expected a JSON array, a JSON object, or lines of JSON.' };
  if (!isLines) {
    const whole = parse(text);
    if ('value' in whole) {
      const { value } = whole;
      if (Array.isArray(value))
        return value.length > maxRows ? tooMany : { rows: value.map((one: unknown) => ({ value: one, text: null })) };
      if (typeof value === 'object' && value !== null) return { rows: [{ value, text: null }] };
      return { status: 400, message: 'The body is JSON, but neither an array nor an object.' };
    }
    // What begins like an array is one that is broken; several objects may be lines.
    if (!text.trimStart().startsWith('{')) return { status: 400, message: `The body is no JSON: ${whole.fault}` };
  }
  const rows: BodyRow[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end === -1 ? undefined : end).trim();
    from = end === -1 ? text.length : end + 1;
    if (line === '') continue;
    if (rows.length === maxRows) return tooMany;
    const parsed = parse(line);
    rows.push('value' in parsed ? { value: parsed.value, text: line } : { unreadable: line });
  }
  if (rows.some((row) => 'value' in row)) return { rows };
  return { status: 400, message: 'No line of the body is JSON.' };
};

const parse = (text: string): { readonly value: unknown } | { readonly fault: string } => {
  try {
    return { value: parseExactJson(text) };
  } catch (error) {
    return { fault: messageOf(error) };
  }
};
