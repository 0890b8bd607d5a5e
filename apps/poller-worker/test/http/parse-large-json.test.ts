// Large JSON means the same when it is parsed in a thread of its own, and whatever is wrong with it is told as it is on the
// event loop.
import { setImmediate as turn } from 'node:timers/promises';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { afterAll, describe, expect, it } from 'vitest';
import { createJsonParser, largeJsonBytes } from '../../src/http/parse-large-json.ts';
import { bodyReaders } from '../../src/http/read-answer.ts';
import { createRedactor } from '../../src/http/secrets.ts';

const jsonParser = createJsonParser();
afterAll(() => jsonParser.close());

const secret = 'the-s3cret-key';
const never = new AbortController().signal;

/** Reads a body of these pieces as a source does. */
const read = (pieces: readonly (string | Buffer)[], signal = never, parser = jsonParser): Promise<unknown> => {
  async function* body(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece as string);
  }
  const options = { place: 'https://api.example/rows', redact: createRedactor([secret]), signal };
  return bodyReaders(body(), {
    ...options,
    spool: { aboveBytes: 1e9, directory: '/tmp' },
    jsonParser: parser,
  }).json();
};

/** Makes a text large without changing what it means. */
const padding = ' '.repeat(largeJsonBytes);

const row = (at: number): object => ({
  type: 'Feature',
  id: `id-${at}`,
  properties: { mag: at / 7, place: `${at} km – näher`, time: at * 1e9, felt: null, tsunami: at % 2 === 0 },
  geometry: { type: 'Point', coordinates: [-120 + at / 1e4, 35, 7.5] },
});
const collection = (rows: number): string =>
  JSON.stringify({
    type: 'FeatureCollection',
    metadata: { count: rows },
    features: Array.from({ length: rows }, (_, at) => row(at)),
  });

describe('large JSON', () => {
  it('is the same as on the event loop, rows and all', async () => {
    const text = collection(25_000);
    expect(text.length).toBeGreaterThan(largeJsonBytes);
    // Pieces that cut characters in two.
    const bytes = Buffer.from(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 99_991) }, (_, at) =>
      bytes.subarray(at * 99_991, (at + 1) * 99_991),
    );
    const value = await read(pieces);
    expect(JSON.stringify(value)).toBe(text);
  });

  it.each([
    { name: 'rows that are missing', text: '{"other":1}' },
    { name: 'rows that are no list', text: '{"features":{"a":1}}' },
    { name: 'rows that are null', text: '{"features":null}' },
    { name: 'no map at all', text: '[1,2,3]' },
    { name: 'one number', text: '-1.5e300' },
    { name: 'null', text: 'null' },
    { name: 'a key twice, of which the last one counts', text: '{"features":[1],"a":1,"features":[2,3]}' },
    { name: 'a key that is no prototype', text: '{"__proto__":{"x":1},"features":[{"__proto__":[1]}]}' },
    { name: 'a byte order mark', text: '\uFEFF{"features":[1]}' },
    { name: 'what is no UTF-8', text: Buffer.from([0x22, 0xff, 0xc3, 0x28, 0x22]) },
    { name: 'half a surrogate pair', text: '"\\ud800"' },
    // A long whole number keeps its digits: exact-json.test.ts.
    { name: 'a number too large', text: '[1e999,9007199254740991]' },
  ])('may hold $name', async ({ text }) => {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(Buffer.from(text as string)));
    const value = await read([text, padding]);
    expect(value).toEqual(parsed);
    expect(JSON.stringify(value)).toBe(JSON.stringify(parsed));
  });

  it.each([
    { name: 'cut off', text: collection(30_000).slice(0, -1), says: 'no JSON but "{"type":"FeatureCollection"' },
    { name: 'a page', text: `<html>key ${secret} ${secret}</html>${padding}`, says: '"<html>key *** ***</html>' },
    { name: 'only spaces', text: padding + padding, says: 'no JSON' },
    { name: 'nested without an end', text: '['.repeat(largeJsonBytes / 2) + padding, says: 'no JSON but "[[[' },
  ])('that is none says so with its beginning, without a secret: $name', async ({ text, says }) => {
    const error = await read([text]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'response_unreadable' });
    expect(String(error)).toContain(says);
    expect(String(error)).not.toContain(secret);
  });

  it('that is nested deeper than can be walked through is unreadable', async () => {
    const depth = largeJsonBytes / 2 + 1;
    const error = await read(['['.repeat(depth), ']'.repeat(depth)]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'response_unreadable' });
  });

  it('in memory that others share is copied, not taken away', async () => {
    const shared = Buffer.from(`{"features":[1]}${padding}`);
    const { isJson } = await jsonParser.parse([shared.subarray(0, 10), shared.subarray(10)], {
      place: 'x',
      signal: never,
    });
    expect(isJson).toBe(true);
    expect(shared.toString('utf8', 0, 16)).toBe('{"features":[1]}');
  });
});

describe('the thread', () => {
  const long = collection(100_000);

  it('ends with the poll that is stopped while it parses', async () => {
    const stop = new AbortController();
    const pending = read([long], stop.signal);
    const ended = pending.catch((thrown: unknown) => thrown);
    await turn();
    stop.abort();
    expect(await ended).toMatchObject({ code: 'stopped' });
  });

  it('does not begin for a poll that was stopped before', async () => {
    await expect(read([long], AbortSignal.abort())).rejects.toMatchObject({ code: 'stopped' });
  });

  it('ends when the process stops, and those that wait for one end too', async () => {
    const parser = createJsonParser();
    const ends: unknown[] = [];
    for (let at = 0; at < 4; at++)
      read([long], never, parser).catch((thrown: unknown) => ends.push((thrown as { code?: string }).code));
    await turn();
    await parser.close();
    await waitUntil('all to have ended', () => ends.length === 4);
    expect(ends).toEqual(['stopped', 'stopped', 'stopped', 'stopped']);
    await parser.close();
    await expect(read([long], never, parser)).rejects.toMatchObject({ code: 'stopped' });
  });

  it('serves more texts than there are threads, one after the other', async () => {
    const values = await Promise.all([1, 2, 3, 4, 5].map((number) => read([`{"features":[${number}]}`, padding])));
    expect(values).toEqual([1, 2, 3, 4, 5].map((number) => ({ features: [number] })));
  });

  it('of a poll that is stopped while it waits for one takes no place', async () => {
    const stop = new AbortController();
    const running = [read([long]), read([long])];
    const waiting = read([long], stop.signal).catch((thrown: unknown) => thrown);
    await turn();
    stop.abort();
    expect(await waiting).toMatchObject({ code: 'stopped' });
    await Promise.all(running);
    expect(await read(['{"features":[7]}', padding])).toEqual({ features: [7] });
  });

  it('that would take many times its size in memory is refused before it is parsed, and the process lives', async () => {
    const soup = `[${'{},'.repeat(3 * 1024 * 1024)}{}]`;
    await expect(read([soup])).rejects.toMatchObject({
      code: 'response_too_large',
      message: expect.stringContaining('of memory') as unknown,
    });
    expect(await read([`[1${padding}]`])).toEqual([1]);
  });
});
