// The four ways in which a source reads the body of an answer, whether it comes from the provider or from the cache.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import { decodeBlocks, readBlocks } from './body.ts';
import { EmptyAnswerError } from './empty-answer-error.ts';
import { parseExactJson } from './exact-json.ts';
import type { HttpResponse } from './http-client.ts';
import { type JsonParser, largeJsonBytes, type ParsedJson } from './parse-large-json.ts';
import { excerptOf, type Redactor } from './secrets.ts';
import { keepWhole, type Spool } from './whole-answer.ts';

/** How a body is read, and what its errors may say. */
export interface ReadOptions {
  /** The address as it may be shown. */
  readonly place: string;
  readonly redact: Redactor;
  /** Where a large answer is kept by `whole`. */
  readonly spool: Spool;
  /** Where a large text is parsed by `json`. */
  readonly jsonParser: JsonParser;
  /** Ends the parsing of a large text with `stopped`. */
  readonly signal: AbortSignal;
}

/** The part of a response that reads its body. */
export type BodyReaders = Pick<HttpResponse, 'body' | 'whole' | 'text' | 'json'>;

/** The readers of a body, of which one can be used, once. */
export const bodyReaders = (body: AsyncIterable<Buffer>, options: ReadOptions): BodyReaders => {
  const { place, redact } = options;
  return {
    body,
    whole: () => keepWhole(body, options.spool),
    text: async () => decodeBlocks(await readBlocks(body)),
    json: async () => {
      const parsed = await parse(await readBlocks(body), options);
      if (parsed.isJson) return parsed.value;
      // The parser's own message quotes the answer, secrets included.
      const { beginning, isCut } = parsed;
      if (beginning.trim() === '' && !isCut) throw new EmptyAnswerError(`${place} answered no JSON but no byte`);
      const found = excerptOf(beginning, redact, isCut);
      throw new StreamManagerError('response_unreadable', `${place} answered no JSON but "${found}"`);
    },
  };
};

const parse = async (blocks: readonly Buffer[], { place, signal, jsonParser }: ReadOptions): Promise<ParsedJson> => {
  const bytes = blocks.reduce((sum, block) => sum + block.length, 0);
  if (bytes > largeJsonBytes) return jsonParser.parse(blocks, { place, signal });
  const text = decodeBlocks(blocks);
  try {
    return { isJson: true, value: parseExactJson(text) };
  } catch {
    return { isJson: false, beginning: text, isCut: false };
  }
};
