// `POST /ingest/<sourceId>`: rows that others send. The answer is 202 only when every row is in the queues, a dead letter, or
// known; with any other answer, or none, the sender sends them again, and what was in is known then.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { holdsVariable } from '@stream-manager/shared/config/fields';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import { type Request, Router } from 'express';
import type { Redis } from 'ioredis';
import type { PolledSource } from '../../polled-sources.ts';
import type { ParsedRows } from '../../sources/parsed-rows.ts';
import type { Intake } from '../intake.ts';
import type { AdmitRows } from '../row-admission.ts';
import type { SourceWatch } from '../source-watch.ts';
import { answerOf, type PushAnswer, refusals, refuseBody } from './answer-push.ts';
import { type BodyRow, readRows } from './body-rows.ts';
import { createFirstReceipts, type FirstReceipts } from './first-receipts.ts';
import { type PushReader, type PushSource, pushReaderOf } from './push-reader.ts';
import { readBody } from './read-body.ts';

/** What it needs. */
export interface PushIntakeDeps {
  readonly redis: Redis;
  readonly admitRows: AdmitRows;
  readonly watch: Pick<SourceWatch, 'stateOf'>;
  readonly memory: Pick<RedisMemory, 'high'>;
  readonly metrics: Pick<Metrics, 'intakeRequestsTotal'>;
  readonly logger: Logger;
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly after: (delayMs: number, act: () => void) => () => void;
  /** Gives the event loop its turn. */
  readonly nextTurn: () => Promise<void>;
}

/** The intake, and its routes for the process' HTTP server. */
export interface PushIntake extends Intake {
  readonly routes: Router;
}

/** An answer comes within this many milliseconds, also when Redis does not answer. */
const answerWithinMs = 20_000;

/** Rows that are mapped in one go: about 10 ms, after which the event loop has its turn. */
const rowsPerTurn = 2_000;

/** Whether a request has been answered, or there is nobody to answer to: rows that get in later are known when they come again. */
interface Turn {
  isOver: boolean;
}

/** A source, and what is under way for it. */
interface Endpoint {
  readonly source: PolledSource;
  readonly params: PushSource['params'];
  readonly reader: PushReader;
  /** Null: its rows have times of their own. */
  readonly receipts: FirstReceipts | null;
  readonly underWay: Set<Promise<unknown>>;
}

const isPush = (source: ResolvedSource): source is PushSource => source.type === 'push';

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compared by digest: neither length nor content of the token shows in how long it takes. */
const hasToken = (request: Request, token: string): boolean => {
  const shown = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digestOf(shown), digestOf(token)) && !holdsVariable(token);
};

/** Creates the intake of this process; its routes answer 503 before `start` and from `finish` on. */
export const createPushIntake = (
  deps: PushIntakeDeps,
  options: { readonly keyPrefix: string; readonly sources: readonly PolledSource[] },
): PushIntake => {
  const endpoints = new Map<string, Endpoint>();
  for (const source of options.sources)
    if (isPush(source.config))
      endpoints.set(source.config.id, endpointOf(deps.redis, options.keyPrefix, source, source.config));
  /** Nothing more is taken. */
  const closing = new AbortController();
  /** What was taken does not go on. */
  const ending = new AbortController();
  let isOpen = false;

  const refusalOf = (endpoint: Endpoint | undefined, request: Request): PushAnswer | null => {
    if (endpoint === undefined) return refusals.unknownSource;
    if (!hasToken(request, endpoint.params.token)) return refusals.noToken;
    if (!isOpen) return refusals.draining;
    const state = deps.watch.stateOf(endpoint.source.config.id);
    if (state === 'disabled' || state === 'retiring') return refusals.disabled;
    if (state !== 'running') return refusals.paused;
    if (deps.redis.status !== 'ready') return refusals.redisAway;
    return endpoint.underWay.size >= endpoint.params.maxRequests ? refusals.tooManyRequests : null;
  };

  const admit = async (endpoint: Endpoint, request: Request, body: Buffer, turn: Turn): Promise<PushAnswer> => {
    const { source, reader, receipts, params } = endpoint;
    const parsed = readRows(body, request.headers['content-type'], params.maxRows);
    if ('status' in parsed) return refuseBody(parsed.status, parsed.message);
    const now = deps.now();
    const receipt = await receipts?.of(body, request.get('idempotency-key'), now);
    const rows = await mapRows(reader, parsed.rows, receipt?.receivedAtMs ?? now);
    const signal = ending.signal;
    const end = await deps.admitRows(source, rows, { signal, waitMs: source.admission.admitWaitMs });
    const answer = answerOf(end, rows.invalid.length + end.rejected);
    if (answer.status === 202 && !turn.isOver) await receipt?.done();
    return answer;
  };

  const mapRows = async (reader: PushReader, rows: readonly BodyRow[], receivedAtMs: number): Promise<ParsedRows> => {
    const parts: ParsedRows[] = [];
    for (let from = 0; from < rows.length; from += rowsPerTurn) {
      if (from > 0) await deps.nextTurn();
      parts.push(reader.read(rows.slice(from, from + rowsPerTurn), receivedAtMs));
    }
    return { records: parts.flatMap(({ records }) => records), invalid: parts.flatMap(({ invalid }) => invalid) };
  };

  /** Works on a request; null: there is nobody to answer to. */
  const work = async (endpoint: Endpoint, request: Request, turn: Turn): Promise<PushAnswer | null> => {
    if ((await deps.memory.high()) !== null) return refusals.noMemory;
    const reading = await beforeClosing(readBody(request, endpoint.params.maxBodyBytes));
    if (reading === null) return refusals.draining;
    if ('body' in reading) return admit(endpoint, request, reading.body, turn);
    return reading.status === null ? null : refuseBody(reading.status, reading.message);
  };

  /** Null when nothing more is taken: a body that does not come must not keep the process from stopping. */
  const beforeClosing = async <T>(result: Promise<T>): Promise<T | null> => {
    const closed = Promise.withResolvers<null>();
    const close = (): void => closed.resolve(null);
    if (closing.signal.aborted) close();
    closing.signal.addEventListener('abort', close, { once: true });
    try {
      return await Promise.race([result, closed.promise]);
    } finally {
      closing.signal.removeEventListener('abort', close);
    }
  };

  /** The answer, or `late` when it takes too long; what is under way goes on. */
  const within = async <T>(result: Promise<T>, turn: Turn): Promise<T | PushAnswer> => {
    let undo = (): void => {};
    const late = new Promise<PushAnswer>((resolve) => {
      undo = deps.after(answerWithinMs, () => {
        turn.isOver = true;
        resolve(refusals.late);
      });
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      undo();
    }
  };

  const routes = Router();
  routes.post('/ingest/:sourceId', async (request, response) => {
    const endpoint = endpoints.get(request.params.sourceId);
    const id = endpoint?.source.config.id ?? 'unknown';
    const refused = refusalOf(endpoint, request);
    let answer: PushAnswer | null;
    if (refused !== null || endpoint === undefined) answer = refused ?? refusals.unknownSource;
    else {
      const turn: Turn = { isOver: false };
      response.once('close', () => {
        turn.isOver ||= !response.writableFinished;
      });
      const working = work(endpoint, request, turn).catch((error: unknown) => {
        deps.logger.warn({ sourceId: id, error: deps.cutSecrets(messageOf(error)) }, 'pushed rows were not admitted');
        return refusals.late;
      });
      endpoint.underWay.add(working);
      void working.finally(() => endpoint.underWay.delete(working));
      answer = await within(working, turn);
    }
    deps.metrics.intakeRequestsTotal.inc({ source: id, status: String(answer?.status ?? 'gone') });
    if (answer !== null) send(response, answer);
  });

  const finish = async (): Promise<void> => {
    isOpen = false;
    closing.abort();
    await Promise.all([...endpoints.values()].flatMap((endpoint) => [...endpoint.underWay]));
  };
  return {
    routes,
    start: async () => {
      isOpen = true;
    },
    finish,
    stop: async () => {
      ending.abort();
      await finish();
    },
  };
};

const endpointOf = (redis: Redis, keyPrefix: string, source: PolledSource, config: PushSource): Endpoint => {
  const keyOf = sourceKeys(keyPrefix, config.id).pushReceipt;
  return {
    source,
    params: config.params,
    reader: pushReaderOf(config),
    receipts:
      config.params.time === undefined ? createFirstReceipts(redis, { keyOf, keepMs: config.dedupeWindowMs }) : null,
    underWay: new Set(),
  };
};

const send = (response: ServerResponse, { status, body, retryAfterSeconds }: PushAnswer): void => {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...(retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
  response.end(text);
};
