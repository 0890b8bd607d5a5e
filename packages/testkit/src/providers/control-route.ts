// What the testkit's own processes ask the provider server: GET /_ledger (served, offered, malformed; `?counts` for the
// counts only), GET /_requests, POST /_faults. No real provider has these; they are for drills in other processes.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExpectedRecord, MalformedRow } from '../accounting/expected-record.ts';
import type { FaultSettings, Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { RequestLog } from './request-log.ts';

export interface ControlDeps {
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly log: RequestLog;
}

/** The ledger as `GET /_ledger` gives it. */
export interface LedgerDocument {
  readonly served: readonly ExpectedRecord[];
  readonly offered: readonly ExpectedRecord[];
  readonly malformed: readonly MalformedRow[];
}

const paths: ReadonlySet<string> = new Set(['/_ledger', '/_requests', '/_faults']);

export const isControlPath = (path: string): boolean => paths.has(path);

/** Reads the ledger of a provider server in another process. Throws an Error when it does not answer with status 200. */
export const readLedger = async (url: string): Promise<LedgerDocument> => {
  const response = await fetch(new URL('/_ledger', url));
  if (!response.ok) throw new Error(`GET ${url}/_ledger answered ${response.status}, expected 200`);
  // Our own server writes exactly this document.
  return (await response.json()) as LedgerDocument;
};

/** Sets the faults of a provider server in another process. Throws an Error with its answer when it refuses them. */
export const postFaults = async (url: string, settings: FaultSettings): Promise<void> => {
  const response = await fetch(new URL('/_faults', url), { method: 'POST', body: JSON.stringify(settings) });
  if (!response.ok) throw new Error(`POST ${url}/_faults answered ${response.status}: ${await response.text()}`);
};

/** Answers a control request. */
export const answerControl = async (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { ledger, faults, log }: ControlDeps,
): Promise<void> => {
  const reply = (status: number, document: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };
  const call = `${request.method} ${url.pathname}`;
  if (call === 'GET /_ledger' && url.searchParams.has('counts')) return reply(200, ledger.counts());
  if (call === 'GET /_ledger') return writeLedger(response, ledger);
  if (call === 'GET /_requests') return reply(200, log.all());
  if (call !== 'POST /_faults') return reply(405, { error: `${call} is not known` });
  try {
    // `set` checks routes, names and probabilities of what it is given.
    faults.set(JSON.parse(await bodyOf(request)) as FaultSettings);
    return reply(200, {});
  } catch (error) {
    return reply(400, { error: error instanceof Error ? error.message : String(error) });
  }
};

/** The body of a request as text. Throws a RangeError beyond 1 MB. */
export const bodyOf = async (request: IncomingMessage): Promise<string> => {
  request.setEncoding('utf8');
  let text = '';
  for await (const part of request) {
    text += String(part);
    if (text.length > 1_000_000) throw new RangeError('the body is larger than 1 MB');
  }
  return text;
};

/** In pieces: the ledger of a long run would be too long for one string. */
const writeLedger = async (response: ServerResponse, ledger: Ledger): Promise<void> => {
  const write = async (text: string): Promise<void> => {
    // A client that has gone never drains: what is left is then written to nowhere.
    if (!response.write(text) && !response.destroyed)
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
  };
  const writeList = async (list: readonly unknown[]): Promise<void> => {
    for (let from = 0; from < list.length; from += 1000) {
      const part = list.slice(from, from + 1000).map((row) => JSON.stringify(row));
      await write((from === 0 ? '' : ',') + part.join(','));
    }
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  await write('{"served":[');
  await writeList(ledger.served());
  await write('],"offered":[');
  await writeList(ledger.offered());
  await write('],"malformed":[');
  await writeList(ledger.malformed());
  response.end(']}');
};
