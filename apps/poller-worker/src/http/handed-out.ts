// Answers as a source gets them: from the provider, watched while it reads them; from the cache; or one that brings no news.
// Before the end of a body is told, it is written down that this answer was handed out: what the source used up before is
// not the last thing it saw any more.
import type { AnswerFacts, Leftover, StoredAnswer } from './answer-cache.ts';
import { keptHeaders } from './answer-cache.ts';
import { startCopy } from './answer-copy.ts';
import type { HeldLead } from './answer-lead.ts';
import { type AnswerVersion, versionOf } from './answer-version.ts';
import { blockBytes, readOnce } from './body.ts';
import type { HttpResponse, Receipt } from './http-client.ts';
import { bodyReaders, type ReadOptions } from './read-answer.ts';
import { holdsSecret } from './secrets.ts';

/** Writes down that an answer is handed out; gives its receipt, or null where it would be of no use. */
export type HandOut = (answer: string, version: AnswerVersion) => Promise<Receipt | null>;

/** How an answer is handed out. */
export interface HandOutOptions extends ReadOptions {
  readonly handOut: HandOut;
  readonly charge: HttpResponse['charge'];
}

const isNotToBeStored = (headers: Readonly<Record<string, string>>): boolean =>
  /(^|,)\s*no-store\s*(,|$)/i.test(headers['cache-control'] ?? '');

/** An answer of the provider. What is left of it goes to whoever asks the same, by the lead; `stored` is told of its bytes. */
export const fetchedAnswer = (
  response: HttpResponse,
  lead: HeldLead,
  stored: (bytes: number) => void,
  options: HandOutOptions,
): HttpResponse => {
  // What the transport showed is more than the source's entry says: a token is in neither.
  const redact = response.redact ?? options.redact;
  const given = keptHeaders(response.headers);
  // A link to the next page may repeat the key: then neither it nor the answer that needs it is kept.
  const isTold = holdsSecret(JSON.stringify(given), redact);
  const headers = isTold ? {} : given;
  const isKept = lead.isShared && response.status === 200 && !isNotToBeStored(response.headers) && !isTold;
  const named = versionOf(response.headers);
  const version = isTold && holdsSecret(JSON.stringify(named), redact) ? {} : named;
  let receipt: Receipt | null = null;

  async function* body(): AsyncGenerator<Buffer> {
    const copy = startCopy({ redact, isKept });
    const pieces = response.body[Symbol.asyncIterator]();
    let isWhole = false;
    try {
      for (;;) {
        const next = await lead.during(pieces.next());
        if (next.done === true) break;
        await copy.add(next.value);
        yield next.value;
      }
      isWhole = true;
      const { answer, bodyBytes, kept } = await copy.end();
      const { status, receivedAtMs } = response;
      const facts: AnswerFacts = { status, headers, receivedAtMs, bodyBytes, isPacked: kept?.isPacked === true };
      const leftover: Leftover =
        kept === null
          ? { kind: 'alone', answer, facts }
          : { kind: 'answer', stored: { answer, facts, body: kept.bytes } };
      const [handedOut, bytes] = await Promise.all([
        options.handOut(answer, version),
        lead.end(status === 200 ? leftover : null),
      ]);
      receipt = handedOut;
      stored(bytes);
    } finally {
      copy.drop();
      await lead.end(null);
      if (!isWhole) await pieces.return?.();
    }
  }

  return {
    status: response.status,
    headers: response.headers,
    receivedAtMs: response.receivedAtMs,
    unchanged: null,
    receipt: () => receipt,
    charge: options.charge,
    redact,
    ...bodyReaders(readOnce(body, options.place), { ...options, redact }),
  };
};

/** An answer of the cache, `bytes` being its body unpacked. */
export const storedAnswer = (
  { answer, facts }: Omit<StoredAnswer, 'body'>,
  bytes: Buffer,
  options: Omit<HandOutOptions, 'charge'>,
): HttpResponse => {
  let receipt: Receipt | null = null;
  async function* body(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += blockBytes) yield bytes.subarray(at, at + blockBytes);
    receipt = await options.handOut(answer, versionOf(facts.headers));
  }
  return {
    status: facts.status,
    headers: facts.headers,
    receivedAtMs: facts.receivedAtMs,
    unchanged: null,
    receipt: () => receipt,
    // Nothing was asked of the provider.
    charge: async () => {},
    ...bodyReaders(readOnce(body, options.place), options),
  };
};

/** An answer that the source has used up before. It has no receipt: there is nothing of it to be used up. */
export const unchangedAnswer = (
  unchanged: 'not_modified' | 'cached',
  { status, headers, receivedAtMs }: Pick<AnswerFacts, 'status' | 'headers' | 'receivedAtMs'>,
  { charge, ...options }: ReadOptions & Pick<HttpResponse, 'charge'>,
): HttpResponse => {
  async function* nothing(): AsyncGenerator<Buffer> {}
  return {
    status,
    headers,
    receivedAtMs,
    unchanged,
    receipt: () => null,
    charge,
    ...bodyReaders(nothing(), options),
  };
};
