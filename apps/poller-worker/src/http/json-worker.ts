// The worker thread that parses one large JSON text: bytes come in, then a slice of the value goes out each time one is
// asked for, so that the main thread is never given more than it can take over at once. The main thread ends it.
import { parentPort } from 'node:worker_threads';
import { parseExactJson } from './exact-json.ts';
import { jsonMemory } from './json-memory.ts';
import { type Slice, slicesOf } from './json-slices.ts';

/**
 * What the main thread says: pieces of the text in their order, that they are all there (and how many bytes their value may
 * take), that it takes another slice.
 */
export type ToWorker =
  | { readonly kind: 'bytes'; readonly pieces: readonly Uint8Array[] }
  | { readonly kind: 'parse'; readonly mostMemory: number }
  | { readonly kind: 'next' };

/** What the worker says. `no_json`: with the beginning of the text, and whether that is cut. */
export type FromWorker =
  | { readonly kind: 'slice'; readonly slice: Slice }
  | { readonly kind: 'end' }
  | { readonly kind: 'no_json'; readonly beginning: string; readonly isCut: boolean }
  | { readonly kind: 'too_deep' }
  | { readonly kind: 'too_large'; readonly memory: number };

/** Characters of a text that is no JSON that go back for the error. */
const beginningCharacters = 4_096;

const pieces: Uint8Array[] = [];
let slices: Iterator<Slice, undefined> = [].values();

const answer = (message: FromWorker): void => parentPort?.postMessage(message);

const parse = (mostMemory: number): void => {
  const memory = jsonMemory(pieces);
  if (memory > mostMemory) {
    pieces.length = 0;
    answer({ kind: 'too_large', memory });
    return;
  }
  const text = new TextDecoder().decode(Buffer.concat(pieces.splice(0)));
  try {
    slices = slicesOf(parseExactJson(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    answer({
      kind: 'no_json',
      beginning: text.slice(0, beginningCharacters),
      isCut: text.length > beginningCharacters,
    });
    return;
  }
  next();
};

const next = (): void => {
  const taken = slices.next();
  answer(taken.done === true ? { kind: 'end' } : { kind: 'slice', slice: taken.value });
};

parentPort?.on('message', (message: ToWorker) => {
  try {
    if (message.kind === 'bytes') pieces.push(...message.pieces);
    else if (message.kind === 'parse') parse(message.mostMemory);
    else next();
  } catch (error) {
    // Walking through it, or handing it over, needs a call for each level.
    if (!(error instanceof RangeError)) throw error;
    answer({ kind: 'too_deep' });
  }
});
