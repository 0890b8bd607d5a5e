// Puts an answer on the wire: conditional, compressed if asked, with an exact length or chunked, slow or cut off as the
// fault wants it; and says afterwards what became of it.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ValidatorMemory } from './validators.ts';
import { isNotModified } from './validators.ts';
import type { WireAnswer } from './wire-answer.ts';

export interface SendOptions {
  /** Compress when the client accepts gzip. */
  readonly canGzip: boolean;
  /** How the end of a body is marked: chunked above 256 KB (`auto`), always an exact length, or always chunked. */
  readonly transfer: 'auto' | 'length' | 'chunked';
}

export interface Sent {
  readonly status: number;
  /** The last byte went to the operating system. */
  readonly isComplete: boolean;
  /** The client closed the connection before that. */
  readonly isAborted: boolean;
  readonly bodyBytes: number;
}

const compress = promisify(gzip);
const pieceBytes = 65_536;
const acceptsGzip = (header: string | undefined): boolean => /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(header ?? '');

/** Sends one answer. Never throws: a client that goes away, or `signal`, just ends it. */
export const sendAnswer = async (
  request: IncomingMessage,
  response: ServerResponse,
  answer: WireAnswer,
  options: SendOptions & {
    /** Given for answers that have validators. */
    readonly validators?: ValidatorMemory | undefined;
    readonly clockMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Sent> => {
  const gone = new AbortController();
  const ended = new Promise<boolean>((resolve) => {
    response.once('finish', () => resolve(true));
    response.once('close', () => {
      gone.abort();
      resolve(response.writableFinished);
    });
  });
  const signal = AbortSignal.any([gone.signal, options.signal]);
  const transmission = { status: answer.status, bodyBytes: 0 };
  let isCut = false;
  try {
    if (answer.pauseBeforeMs > 0) await pause(answer.pauseBeforeMs, undefined, { signal });
    isCut = await transmit(request, response, answer, { ...options, signal }, transmission);
  } catch {
    // The client has gone or the server stops: nothing is left to send, and `ended` says so.
    response.destroy();
  }
  const isComplete = await ended;
  return { ...transmission, isComplete, isAborted: !isComplete && !isCut && !options.signal.aborted };
};

const transmit = async (
  request: IncomingMessage,
  response: ServerResponse,
  answer: WireAnswer,
  options: SendOptions & { validators?: ValidatorMemory | undefined; clockMs: number; signal: AbortSignal },
  transmission: { status: number; bodyBytes: number },
): Promise<boolean> => {
  const headers: Record<string, string> = { ...answer.headers };
  if (options.validators && answer.status === 200) {
    const validators = options.validators.of(request.url ?? '', answer.body, options.clockMs);
    headers['etag'] = validators.etag;
    headers['last-modified'] = validators.lastModified;
    if (isNotModified(validators, request.headers['if-none-match'], request.headers['if-modified-since'])) {
      transmission.status = 304;
      response.writeHead(304, headers).end();
      return false;
    }
  }
  headers['content-type'] = answer.contentType;
  let body: Buffer = Buffer.from(answer.body);
  if (options.canGzip) headers['vary'] = 'Accept-Encoding';
  if (options.canGzip && body.length > 0 && acceptsGzip(request.headers['accept-encoding'])) {
    body = await compress(body, { level: 1 });
    headers['content-encoding'] = 'gzip';
  }
  const isChunked =
    answer.cut === 'chunked' ||
    (answer.cut === null && (options.transfer === 'chunked' || (options.transfer === 'auto' && body.length > 262_144)));
  if (!isChunked) headers['content-length'] = String(body.length);
  response.writeHead(answer.status, headers);
  // Headers by themselves first: a slow body is one whose headers came in time.
  response.flushHeaders();

  const sent = answer.cut === null ? body : body.subarray(0, Math.floor(body.length / 2));
  const size = answer.spreadMs > 0 ? Math.max(1, Math.ceil(sent.length / 8)) : pieceBytes;
  for (let from = 0; from < sent.length; from += size) {
    if (answer.spreadMs > 0) await pause(answer.spreadMs / 8, undefined, { signal: options.signal });
    const piece = sent.subarray(from, from + size);
    transmission.bodyBytes += piece.length;
    if (!response.write(piece)) await once(response, 'drain', { signal: options.signal });
  }
  if (answer.cut === null) {
    response.end();
    return false;
  }
  // The callback comes when all of it has gone to the operating system; closing then loses none of it.
  await new Promise((resolve) => response.write('', resolve));
  response.destroy();
  return true;
};
