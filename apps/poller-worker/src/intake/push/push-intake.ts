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
import type { Intake } from '../intake.ts';
import type { AdmitRows } from '../row-admission.ts';
import type { SourceWatch } from '../source-watch.ts';
import { answerOf, type PushAnswer, refusals, refuseBody } from './answer-push.ts';
import { readRows } from './body-rows.ts';
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
}

/** The intake, and its routes for the process' HTTP server. */
export interface PushIntake extends Intake {
  readonly routes: Router;
}

/** An answer comes within this many milliseconds, also when Redis does not answer. */
const answerWithinMs = 20_000;

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
  const ending = new AbortController();
  let isOpen = false;

  const refusalOf = async (endpoint: Endpoint | undefined, request: Request): Promise<PushAnswer | null> => {
    if (endpoint === undefined) return refusals.unknownSource;
    if (!hasToken(request, endpoint.params.token)) return refusals.noToken;
    if (!isOpen) return refusals.draining;
    const state = deps.watch.stateOf(endpoint.source.config.id);
    if (state === 'disabled' || state === 'retiring') return refusals.disabled;
    if (state !== 'running') return refusals.paused;
    if (deps.redis.status !== 'ready') return refusals.redisAway;
    if (endpoint.underWay.size >= endpoint.params.maxRequests) return refusals.tooManyRequests;
    return (await within(deps.memory.high())) === null ? null : refusals.noMemory;
  };

  const admit = async (endpoint: Endpoint, request: Request, body: Buffer): Promise<PushAnswer> => {
    const parsed = readRows(body, request.headers['content-type']);
    if ('status' in parsed) return refuseBody(parsed.status, parsed.message);
    const { source, reader, receipts } = endpoint;
    const now = deps.now();
    const receipt = await receipts?.of(body, request.get('idempotency-key'), now);
    const rows = reader.read(parsed.rows, receipt?.receivedAtMs ?? now);
    const signal = ending.signal;
    const end = await deps.admitRows(source, rows, { signal, waitMs: source.admission.admitWaitMs });
    const answer = answerOf(end, rows.invalid.length + end.rejected);
    if (answer.status === 202) await receipt?.done();
    return answer;
  };

  /** Works on a request; null: there is nobody to answer to. */
  const work = async (endpoint: Endpoint, request: Request): Promise<PushAnswer | null> => {
    const reading = await readBody(request, endpoint.params.maxBodyBytes);
    if ('body' in reading) return admit(endpoint, request, reading.body);
    return reading.status === null ? null : refuseBody(reading.status, reading.message);
  };

  /** The answer, or `late` when it takes too long; what is under way goes on. */
  const within = async <T>(result: Promise<T>): Promise<T | PushAnswer> => {
    let undo = (): void => {};
    const late = new Promise<PushAnswer>((resolve) => {
      undo = deps.after(answerWithinMs, () => resolve(refusals.late));
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
    const refused = await refusalOf(endpoint, request);
    let answer: PushAnswer | null;
    if (refused !== null || endpoint === undefined) answer = refused ?? refusals.unknownSource;
    else {
      const working = work(endpoint, request).catch((error: unknown) => {
        deps.logger.warn({ sourceId: id, error: deps.cutSecrets(messageOf(error)) }, 'pushed rows were not admitted');
        return refusals.late;
      });
      endpoint.underWay.add(working);
      void working.finally(() => endpoint.underWay.delete(working));
      answer = await within(working);
    }
    deps.metrics.intakeRequestsTotal.inc({ source: id, status: String(answer?.status ?? 'gone') });
    if (answer !== null) send(response, answer);
  });

  const finish = async (): Promise<void> => {
    isOpen = false;
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
    // The rest of the body is not read.
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(text);
};
