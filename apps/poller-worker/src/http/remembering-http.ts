// What the HTTP client remembers, around the client that sends: answers that the fleet shares for a moment, which of them a
// source has used up, and what a day may cost. Nothing here is needed to be right but the marks and the budget: without
// the cache a request more is made. How the parts fit together: docs/http-cache.md.
import { setTimeout as pause } from 'node:timers/promises';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { RedisMemory } from '@stream-manager/shared/queues/redis-memory';
import type { SecretsOfSource } from './access.ts';
import type { Taken } from './answer-cache.ts';
import { unpackCopy } from './answer-copy.ts';
import { type HeldLead, holdLead, type LeadDeps, noLead } from './answer-lead.ts';
import type { AnswerMarks, UsedUp } from './answer-marks.ts';
import { areConditional, conditionOf } from './answer-version.ts';
import { placeOf } from './exchange.ts';
import { fetchedAnswer, type HandOut, storedAnswer, unchangedAnswer } from './handed-out.ts';
import type { HttpRequest, HttpResponse, PollHttp } from './http-client.ts';
import { HttpStatusError } from './http-status-error.ts';
import { createNamelessAnswers, type NamelessAnswers } from './nameless-answers.ts';
import type { JsonParser } from './parse-large-json.ts';
import { unlessStopped } from './permit.ts';
import type { ReadOptions } from './read-answer.ts';
import type { RequestName, RequestNames } from './request-names.ts';
import { createRedactor } from './secrets.ts';
import { createSpending, type SpendingDeps } from './spending.ts';
import type { HttpClients } from './undici-client.ts';
import { type Spool, temporarySpool } from './whole-answer.ts';

export interface RememberingDeps extends LeadDeps, SpendingDeps {
  readonly marks: AnswerMarks;
  readonly names: RequestNames;
  readonly jsonParser: JsonParser;
  readonly secretsOfSource: SecretsOfSource;
  readonly memory: Pick<RedisMemory, 'high' | 'took'>;
  readonly metrics: Pick<Metrics, 'answersTotal'>;
  readonly logger: LeadDeps['logger'] & SpendingDeps['logger'];
}

export interface RememberingOptions {
  /** Where large answers are kept until they are used up; default as in `createHttpClient`. */
  readonly spool?: Spool;
  /** How long a poll waits in its slot for the answer that another one fetches, in milliseconds. Default 250. */
  readonly maxWaitMs?: number;
}

/** The first look again at an answer that another one fetches, in milliseconds; each next one waits as much longer. */
const firstWaitMs = 20;

/** Part of the time for which ids are remembered, for which an answer counts as used up. */
const markPart = 1 / 4;

/** Puts the memory around the clients. */
export const createRememberingHttp = (
  clients: HttpClients,
  deps: RememberingDeps,
  options: RememberingOptions = {},
): HttpClients => {
  const nameless = createNamelessAnswers(deps.monotonicNow);
  return {
    forPoll: (poll) => rememberingPoll(clients.forPoll(poll), poll, { ...deps, nameless }, options),
    close: () => clients.close(),
  };
};

const rememberingPoll = (
  http: PollHttp,
  { source, signal, isBackfill = false }: Parameters<HttpClients['forPoll']>[0],
  deps: RememberingDeps & { readonly nameless: NamelessAnswers },
  options: RememberingOptions,
): PollHttp => {
  const { nameless, cache, marks, names, memory, metrics, logger, monotonicNow } = deps;
  const { maxWaitMs = 250, spool = temporarySpool() } = options;
  const spend = createSpending(deps, source, { isBackfill });
  const ownSecrets = deps.secretsOfSource(source);
  const keepMs = source.dedupeWindowMs * markPart;
  /** What was handed out and not used up, by its request; and the requests whose answers may lie in the cache. */
  const handedOut = new Map<string, UsedUp & { readonly ticket: string }>();
  const shared = new Set<string>();
  const count = (kind: 'fetched' | 'not_modified' | 'stored' | 'known'): void =>
    metrics.answersTotal.inc({ source: source.id, kind });
  const notReached = (error: unknown): void => logger.debug({ error: messageOf(error) }, 'response cache not reached');

  const handOutFor =
    (request: string): HandOut =>
    async (answer, version) => {
      const { id } = source;
      // Nothing would ever ask for it: not the cache, and no condition.
      const isNameless = source.cacheTtlMs === 0 && Object.keys(version).length === 0;
      if (isNameless && nameless.has(id, request)) return null;
      const ticket = await marks.handOut(source.id, request, keepMs);
      if (isNameless) {
        // What was used up before counts no more, and nobody has the ticket to use this one up.
        nameless.add(id, request);
        return null;
      }
      nameless.delete(id, request);
      handedOut.set(request, { answer, ...version, ticket });
      return { request, answer, ...version };
    };

  /** Looks, and waits a moment for whoever fetches it. Rejects with `host_busy`, `stopped`. */
  const look = async (name: RequestName, known: UsedUp | null, place: string): Promise<Taken> => {
    if (source.cacheTtlMs === 0 || (await memory.high()) !== null) return { kind: 'alone' };
    const asker = { maxAgeMs: source.cacheTtlMs, known: known?.answer ?? null };
    const deadlineMs = monotonicNow() + maxWaitMs;
    for (let waitMs = firstWaitMs; ; waitMs += firstWaitMs) {
      const taken = await cache.take(name.asked, asker).catch((error: unknown): Taken => {
        notReached(error);
        return { kind: 'alone' };
      });
      if (taken.kind !== 'held') return taken;
      if (monotonicNow() + waitMs > deadlineMs)
        throw new StreamManagerError('host_busy', `${place}: another poll of the fleet fetches this very answer`);
      await unlessStopped(pause(waitMs, undefined, { signal }), signal, place);
    }
  };

  const ask = async (
    request: HttpRequest,
    { asked, read }: RequestName,
    known: UsedUp | null,
    lead: HeldLead,
    reading: ReadOptions,
  ): Promise<HttpResponse> => {
    const { place } = reading;
    const condition = isFree(request, source) && known !== null ? conditionOf(known) : null;
    const headers = { ...request.headers, ...condition };
    const { response, charge } = await lead.during(spend(http, { ...request, headers }, place));
    if (response.status !== 304) {
      count('fetched');
      if (lead.isShared) shared.add(asked);
      return fetchedAnswer(response, lead, (bytes) => memory.took(bytes), {
        ...reading,
        charge,
        handOut: handOutFor(read),
      });
    }
    if (condition === null || known === null) {
      const message = `${place} answered 304 (not modified) to a request that was not conditional`;
      throw new HttpStatusError('fetch_status', message, { status: 304, excerpt: '' });
    }
    const { receivedAtMs } = response;
    const facts = { status: 200, headers: {}, receivedAtMs, bodyBytes: 0, isPacked: false };
    memory.took(await lead.end({ kind: 'unchanged', answer: known.answer, facts }));
    count('not_modified');
    return unchangedAnswer('not_modified', response, { ...reading, charge });
  };

  const fetch = async (request: HttpRequest): Promise<HttpResponse> => {
    const redact = createRedactor([request.credential, ...ownSecrets]);
    const place = placeOf(request.url, redact);
    const reading: ReadOptions = { place, redact, spool, jsonParser: deps.jsonParser, signal };
    if (isBackfill || !(request.isRepeatable ?? (request.method ?? 'GET') === 'GET')) {
      const { response, charge } = await spend(http, request, place);
      count('fetched');
      return { ...response, charge };
    }
    const name = names.nameOf(source, request);
    const isNameless = source.cacheTtlMs === 0 && nameless.has(source.id, name.read);
    const known = isNameless ? null : await unlessStopped(marks.read(source.id, name.read, keepMs), signal, place);
    const taken = await look(name, known, place);
    if (taken.kind === 'known') {
      count('known');
      return unchangedAnswer('cached', taken.facts, { ...reading, charge: async () => {} });
    }
    if (taken.kind === 'answer') {
      const { stored } = taken;
      const bytes = await unpackCopy(stored.body, stored.facts.isPacked, stored.answer).catch(notReached);
      if (bytes !== undefined) {
        count('stored');
        shared.add(name.asked);
        return storedAnswer(stored, bytes, { ...reading, handOut: handOutFor(name.read) });
      }
    }
    const lead =
      taken.kind === 'lead'
        ? holdLead(deps, { request: name.asked, lead: taken.lead, ttlMs: source.cacheTtlMs })
        : noLead;
    try {
      return await ask(request, name, known, lead, reading);
    } catch (error) {
      await lead.end(null);
      throw error;
    }
  };

  return {
    fetch,
    useUp: async (receipts) => {
      const acts = receipts.map(async ({ request, answer }) => {
        const mine = handedOut.get(request);
        if (mine?.answer !== answer) return;
        handedOut.delete(request);
        await marks.useUp(source.id, request, mine.ticket, mine);
      });
      for (const end of await Promise.allSettled(acts))
        if (end.status === 'rejected')
          logger.warn({ sourceId: source.id, error: messageOf(end.reason) }, 'answer not remembered as used up');
    },
    distrust: async () => {
      const requests = [...shared];
      shared.clear();
      await cache.forget(requests).catch(notReached);
    },
  };
};

/** May the request be made conditional by us? */
const isFree = ({ method = 'GET', headers = {} }: HttpRequest, source: ResolvedSource): boolean =>
  method === 'GET' && !areConditional(headers) && !areConditional(source.headers);
