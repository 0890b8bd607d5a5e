// What a fault makes of an answer before it is sent: another status or body, or the same body under worse
// circumstances. Pure; the sending itself is in `send-answer.ts`.
import { type Answer, plainText } from './answer.ts';
import type { Fault } from './faults.ts';

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * What the rows are for the ledger once the answer is sent to its end: `due` in Kafka; `possible`, since a poller may
   * or may not take them from a spoiled answer; or `none` in it.
   */
  readonly rows: 'due' | 'possible' | 'none';
  /** Send only half of the body: of an announced length, or of a chunked body without its end. */
  readonly cut: 'length' | 'chunked' | null;
  /** Pause before the headers. */
  readonly pauseBeforeMs: number;
  /** Spread the body over this time, in eight pieces. */
  readonly spreadMs: number;
}

const html =
  '<!DOCTYPE html>\n<html><head><title>Scheduled maintenance</title></head>\n<body><h1>We will be back soon</h1></body></html>\n';

/** The answer as it goes over the wire under this fault. */
export const wireAnswer = (answer: Answer, fault: Fault, clockMs: number): WireAnswer => {
  const { status, contentType, body, headers = {} } = answer;
  const sound: WireAnswer = {
    status,
    contentType,
    headers,
    body,
    rows: 'due',
    cut: null,
    pauseBeforeMs: 0,
    spreadMs: 0,
  };
  const refusal = (code: number, text: string, retryAfter?: string): WireAnswer => ({
    ...sound,
    status: code,
    contentType: plainText,
    headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    body: `${text}\n`,
    rows: 'none',
  });
  switch (fault.name) {
    case 'none':
    case 'malformed':
    case 'extra-column':
    case 'quoted':
    case 'duplicate':
      return sound;
    case 'huge':
      return { ...sound, body: body + '\n'.repeat(Math.max(0, fault.hugeBytes - body.length)), rows: 'possible' };
    case '429':
      return refusal(429, 'Too Many Requests', String(fault.retryAfterSeconds));
    case '429-date':
      // An HTTP date has whole seconds: rounded up, so that it is never shorter than asked for.
      return refusal(
        429,
        'Too Many Requests',
        new Date(Math.ceil(clockMs / 1000 + fault.retryAfterSeconds) * 1000).toUTCString(),
      );
    case '500':
      return refusal(500, 'Internal Server Error');
    case '503':
      return refusal(503, 'Service Unavailable', String(fault.retryAfterSeconds));
    case 'slow-headers':
      return { ...sound, pauseBeforeMs: fault.slowMs };
    case 'slow-body':
      return { ...sound, spreadMs: fault.slowMs };
    case 'cut-length':
      return { ...sound, cut: 'length', rows: 'possible' };
    case 'cut-chunked':
      return { ...sound, cut: 'chunked', rows: 'possible' };
    case 'html':
      return { ...sound, status: 200, contentType: 'text/html; charset=utf-8', body: html, rows: 'none' };
    case 'empty':
      return { ...sound, status: 200, body: '', rows: 'none' };
    case 'wrong-type':
      return { ...sound, contentType: 'image/png', rows: 'possible' };
    case 'bom':
      return { ...sound, body: `\uFEFF${body}` };
    case 'crlf':
      return {
        ...sound,
        body: body.endsWith('\n') ? body.replaceAll('\n', '\r\n') : `${body.replaceAll('\n', '\r\n')}\r\n`,
      };
  }
};
