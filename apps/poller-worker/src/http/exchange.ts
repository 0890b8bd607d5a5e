// One request and its answer over undici: the timeouts, the signal, the bounds, and the error table of the network.
// Redirects, statuses and the rate limit are the business of undici-client.ts.
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Dispatcher } from 'undici';
import { decompress, encodingsOf, readOnce } from './body.ts';
import { holdsSecret, type Redactor } from './secrets.ts';

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Until the answer begins, and then between two pieces of its body. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal;
  readonly redact: Redactor;
  readonly now: () => number;
  /** Called once, when the answer has begun (its status) or will not come (null). */
  readonly onAnswer: (status: number | null) => void;
  /** Called for every piece of the answer's body. */
  readonly onPiece: () => void;
  /** Called once, when nothing of the exchange goes on any more. */
  readonly onEnd: () => void;
}

/** The answer, whatever its status. Its body must be read or `discard` be called. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAtMs: number;
  /** Decompressed and bounded; rejects with StreamManagerErrors. Can be read once. */
  readonly body: AsyncIterable<Buffer>;
  discard(): void;
}

/**
 * A whole exchange may last this many timeouts: an answer that trickles for ever must end too, and a large one on a slow
 * line must not be cut off while it flows.
 */
const timeoutsPerExchange = 10;

/** Longest address in an error or log line, in characters. */
const placeCharacters = 300;

/** An address as it may be shown: without user, password and secrets. */
export const placeOf = (url: URL, redact: Redactor): string => {
  const redacted = redact(`${url.origin}${url.pathname}${url.search}`);
  const place = holdsSecret(redacted, redact) ? `${url.origin}/***` : redacted;
  return place.length > placeCharacters ? `${place.slice(0, placeCharacters)}…` : place;
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Happy-eyeballs errors have an empty message and the real ones inside. */
const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const text = error instanceof Error && error.message !== '' ? error.message : 'the connection failed';
  const code = codeOf(error);
  return code === '' || text.includes(code) ? text : `${text} (${code})`;
};

const timeoutCodes = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** undici's words for it, with a tunnel and without one. */
const isRefusedByProxy = /Proxy response \(407\)|Proxy Authentication Required/;

/** Of zlib: gzip and deflate (`Z_DATA_ERROR`), brotli (`ERR__ERROR_FORMAT_…`), zstd (`ZSTD_error_…`). */
const isOfUnpacking = /^(Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_)/;

/** Whatever the network threw, as an error of ours. The original is not kept: it may hold parts of the answer. */
const faultOf = (error: unknown, place: string, redact: Redactor): StreamManagerError => {
  if (error instanceof StreamManagerError) return error;
  const code = codeOf(error);
  const message = `${place}: ${redact(reasonOf(error))}`;
  // The connection did its part: what came over it is not what Content-Encoding says, or not all of it.
  if (isOfUnpacking.test(code))
    return new StreamManagerError('response_unreadable', `${place} cannot be unpacked: ${redact(reasonOf(error))}`);
  if (timeoutCodes.has(code)) return new StreamManagerError('fetch_timeout', message);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new StreamManagerError('response_too_large', message);
  if (isRefusedByProxy.test(message))
    return new StreamManagerError('credentials_refused', `${place}: the proxy refused user and password (407)`);
  if (code === 'UND_ERR_INVALID_ARG') return new StreamManagerError('config_invalid', message);
  return new StreamManagerError('fetch_network', message);
};

const flatten = (headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> => {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
};

/** Sends one request. Rejects with `fetch_timeout`, `fetch_network`, `response_too_large`, `response_unreadable`, `stopped`. */
export const exchange = async (options: ExchangeOptions): Promise<Answer> => {
  const { url, timeoutMs, maxResponseBytes, signal, redact } = options;
  const place = placeOf(url, redact);
  const controller = new AbortController();
  let fault: StreamManagerError | null = null;
  let waiting: NodeJS.Timeout | undefined;
  let isOver = false;
  let isAnswered = false;

  const end = (error: StreamManagerError): void => {
    fault ??= error;
    controller.abort(fault);
  };
  // Nobody may be reading: then nothing else would let go of what the exchange holds.
  const endAndRelease = (error: StreamManagerError): void => {
    end(error);
    release();
  };
  const stop = (): void =>
    endAndRelease(new StreamManagerError('stopped', `stopped while fetching ${place}`, { cause: signal.reason }));
  const timeout = (what: string, ms: number): StreamManagerError =>
    new StreamManagerError('fetch_timeout', `${place} ${what} within ${ms / 1000} s`);
  const answered = (status: number | null): void => {
    if (!isAnswered) options.onAnswer(status);
    isAnswered = true;
  };
  const release = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(waiting);
    clearTimeout(total);
    signal.removeEventListener('abort', stop);
    answered(null);
    controller.abort(fault ?? new StreamManagerError('stopped', `${place} is not needed any more`));
    options.onEnd();
  };
  const longestMs = timeoutMs * timeoutsPerExchange;
  const total = setTimeout(() => endAndRelease(timeout('did not end', longestMs)), longestMs);
  signal.addEventListener('abort', stop, { once: true });

  try {
    waiting = setTimeout(() => end(timeout('did not answer', timeoutMs)), timeoutMs);
    if (signal.aborted) stop();
    const data = await options.dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: options.method,
      headers: options.headers,
      body: options.body ?? null,
      signal: controller.signal,
      // Our own timers watch; undici's would count by its own clock of whole seconds.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    clearTimeout(waiting);
    const receivedAtMs = options.now();
    answered(data.statusCode);
    const headers = flatten(data.headers);

    const layers = encodingsOf(headers['content-encoding']);
    if (layers === null) {
      const found = redact(headers['content-encoding'] ?? '').slice(0, 100);
      throw new StreamManagerError(
        'response_unreadable',
        `${place} is compressed with "${found}", which we cannot read`,
      );
    }
    const tooLarge = (bytes: string): StreamManagerError =>
      new StreamManagerError(
        'response_too_large',
        `${place} answers ${bytes} bytes, more than polling.maxResponseBytes (${maxResponseBytes})`,
      );
    const announced = Number(headers['content-length'] ?? 0);
    if (layers.length === 0 && announced > maxResponseBytes) throw tooLarge(String(announced));

    let received = 0;
    // Counted only while we wait for the provider: a reader that takes its time is no silence.
    const withinSilence = async <T>(wait: Promise<T>): Promise<T> => {
      const timer = setTimeout(() => end(timeout('fell silent: nothing more came', timeoutMs)), timeoutMs);
      try {
        return await wait;
      } finally {
        clearTimeout(timer);
      }
    };
    async function* pieces(): AsyncGenerator<Buffer> {
      const iterator: AsyncIterator<Buffer> = data.body[Symbol.asyncIterator]();
      for (;;) {
        const next = await withinSilence(iterator.next());
        if (next.done === true) return;
        received += next.value.length;
        options.onPiece();
        yield next.value;
      }
    }
    async function* bounded(): AsyncGenerator<Buffer> {
      let size = 0;
      try {
        for await (const chunk of decompress(pieces(), layers ?? [])) {
          size += chunk.length;
          if (size > maxResponseBytes) throw tooLarge(`more than ${maxResponseBytes}`);
          yield chunk;
        }
      } catch (error) {
        // No byte at all is no broken archive: it is an empty answer that says it is compressed.
        const isEmpty = fault === null && received === 0 && codeOf(error) === 'Z_BUF_ERROR';
        if (!isEmpty) throw fault ?? faultOf(error, place, redact);
      } finally {
        release();
      }
    }

    return { status: data.statusCode, headers, receivedAtMs, body: readOnce(bounded, place), discard: release };
  } catch (error) {
    const thrown = fault ?? faultOf(error, place, redact);
    release();
    throw thrown;
  }
};
