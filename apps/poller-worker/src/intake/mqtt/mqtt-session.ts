// One session of a source at its broker: connected again and again as long as its lease is ours, with the subscriptions of
// the config, its messages parsed and admitted, and acknowledged when they are in.
//
//   apart ──connect──► connected ──the connection ends, or its lease is another's──► apart (after a growing pause)
//      └──stop──► stopped (what waits is delivered again, to whoever connects next)
import { setTimeout as pause } from 'node:timers/promises';
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import type { PolledSource } from '../../polled-sources.ts';
import type { ParsedRows } from '../../sources/parsed-rows.ts';
import type { AdmitRows } from '../row-admission.ts';
import type { SourceWatch } from '../source-watch.ts';
import type { DeliveryMarks } from './delivery-marks.ts';
import { type Arrival, createGathering, type Gathering } from './gathering.ts';
import type { Delivery, Link, LinkOptions, OpenLink } from './link.ts';
import type { MessageReader } from './read-message.ts';
import type { SessionMemory } from './session-memory.ts';

/** A source of type mqtt, as it is configured. */
export type MqttSource = Extract<ResolvedSource, { readonly type: 'mqtt' }>;

/** What a session needs. */
export interface SessionDeps {
  readonly openLink: OpenLink;
  readonly admitRows: AdmitRows;
  readonly reader: MessageReader;
  readonly marks: DeliveryMarks;
  readonly memory: SessionMemory;
  readonly watch: Pick<SourceWatch, 'tookIn' | 'failed'>;
  readonly metrics: Pick<Metrics, 'intakeMessagesTotal'>;
  readonly logger: Logger;
  /** Cuts every secret of this process from a text. */
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Which session it is. */
export interface SessionOptions {
  readonly source: PolledSource;
  readonly session: number;
  /** Subscriptions it should have; none: it is given up, and ends when nothing comes any more. */
  readonly filters: readonly string[];
  /** How to connect, without what the session adds itself. */
  readonly link: Omit<LinkOptions, 'onMessage' | 'signal'>;
  readonly qos: 0 | 1;
  /** Our lease holds: nobody else may have connected under this name. */
  readonly isOurs: () => boolean;
}

/** A running session. */
export interface MqttSession {
  /** With its subscriptions. */
  readonly isConnected: () => boolean;
  /** Messages that are taken and not acknowledged. */
  readonly unacknowledged: () => number;
  /** Takes nothing new, and lets what was taken get in (for a moment), before it disconnects. Idempotent. */
  stop(): Promise<void>;
}

/** Bytes of messages that may wait in one session; how many is bounded by `receiveMaximum`. */
const waitingBytes = 32 * 1024 * 1024;

/** Pauses between two attempts to connect, in milliseconds, each drawn at random up to this. */
const firstPauseMs = 100;
const longestPauseMs = 30_000;
/**
 * While no broker answers they grow so slowly that the next one is at most a fifth of the time that it is away: what is
 * published between the start of a broker that forgets shared subscriptions and our own reaches nobody.
 */
const slowGrowth = 1.1;
/** What a broker refuses or ends at once it will refuse again. */
const fastGrowth = 2;
/** Pause before it is looked again whether the lease is ours, in milliseconds. */
const leasePauseMs = 1_000;
/** A connection that held so long starts the pauses anew. */
const steadyMs = 10_000;

/** A session that is given up ends after so long without a message, in milliseconds. */
const quietMs = 5_000;

/** What was taken may still get in for so long when the session stops, in milliseconds. */
const drainMs = 2_000;

/** Starts a session; it never gives up by itself. */
export const startMqttSession = (deps: SessionDeps, options: SessionOptions): MqttSession => {
  const { source, session, filters, link: linkOptions } = options;
  const sourceId = source.config.id;
  const stop = new AbortController();
  const { signal } = stop;
  let isSubscribed = false;
  let gathering: Gathering | null = null;
  let lastMessageAt = 0;
  let lastProblem = '';

  const tell = (problem: string): void => {
    const error = deps.cutSecrets(problem);
    deps.watch.failed(sourceId, error);
    // One line per kind of trouble, not one per attempt.
    if (problem === lastProblem) return;
    lastProblem = problem;
    deps.logger.warn({ sourceId, session, error }, 'no connection to the broker');
  };

  const admit = async (group: readonly Arrival[], ends: AbortSignal): Promise<boolean> => {
    const kept = new Map<number, string>();
    for (const { packetId, keeps } of group) if (packetId !== null && keeps !== null) kept.set(packetId, keeps);
    await deps.marks.keep(kept);
    const rows = {
      records: group.flatMap((one) => one.rows.records),
      invalid: group.flatMap((one) => one.rows.invalid),
    };
    const waitMs = source.admission.admitWaitMs;
    const { status } = await deps.admitRows(source, rows, { signal: ends, waitMs });
    if (status !== 'admitted') return false;
    await deps.marks.forget([...kept.keys()]);
    return true;
  };

  let unnumbered = 0;
  const markOf = (
    delivery: Delivery,
  ): { readonly receivedAtMs: number; readonly mark: string; readonly keeps: string | null } => {
    const { packetId } = delivery;
    if (packetId === null) {
      unnumbered += 1;
      return { receivedAtMs: deps.now(), mark: `${session}.q0.${startedAt}.${unnumbered}`, keeps: null };
    }
    const { receivedAtMs, text } = deps.marks.markOf({ ...delivery, packetId }, deps.now());
    return { receivedAtMs, mark: `${session}.${packetId}`, keeps: text };
  };
  const startedAt = deps.now().toString(36) + Math.floor(deps.random() * 1e6).toString(36);

  const isCritical = ({ records }: ParsedRows): boolean => {
    const { resolvePriority, priority } = source.prepare;
    return records.some((record) => resolvePriority(record, priority) === 'critical');
  };

  const take = (into: Gathering, delivery: Delivery): Promise<void> | undefined => {
    lastMessageAt = deps.now();
    deps.metrics.intakeMessagesTotal.inc({ source: sourceId });
    const { keeps, ...known } = markOf(delivery);
    const rows = deps.reader.read({ topic: delivery.topic, payload: delivery.payload, ...known });
    return into.add({
      packetId: delivery.packetId,
      rows,
      isCritical: isCritical(rows),
      bytes: delivery.payload.length,
      keeps: rows.isTimeless ? keeps : null,
    });
  };

  /** Makes the subscriptions at the broker those of the config. */
  const subscribe = async (open: Link): Promise<void> => {
    const had = open.isSessionPresent ? await deps.memory.subscriptions() : null;
    const old = (had ?? []).filter((filter) => !filters.includes(filter));
    if (old.length > 0) await open.unsubscribe(old);
    // mosquitto 2.0.11 forgets shared subscriptions when it is started again, and keeps the session all the same. With MQTT 5
    // a subscription that is there may be made again: nothing comes twice for it.
    const isAgain = linkOptions.protocolVersion === 5;
    const news = filters.filter((filter) => isAgain || had === null || !had.includes(filter));
    if (news.length > 0) {
      const refused = await open.subscribe(news, options.qos);
      if (refused.length > 0) {
        deps.logger.error({ sourceId, session, subscriptions: refused }, 'the broker refuses subscriptions');
        deps.watch.failed(sourceId, `the broker refuses subscriptions: ${refused.join(', ')}`);
      }
    }
    if (old.length + news.length > 0) await deps.memory.keepSubscriptions(filters);
  };

  /** One connection, until it ends. Gives whether the session is over for good. */
  const connect = async (): Promise<boolean> => {
    let open: Link | null = null;
    const into = createGathering(
      {
        admit,
        acknowledge: (packetId) => open?.acknowledge(packetId),
        onFailure: (error) =>
          deps.logger.warn(
            { sourceId, session, error: deps.cutSecrets(messageOf(error)) },
            'messages not admitted yet',
          ),
      },
      {
        records: source.mode.buffer.records,
        // With MQTT 5 the broker stops there; what it sends without asking (QoS 0, 3.1.1) is left unread in the connection.
        arrivals: 2 * linkOptions.receiveMaximum,
        bytes: waitingBytes,
      },
    );
    gathering = into;
    await deps.marks.load(false);
    // Messages come before `openLink` resolves: the broker need not wait for a subscription that it knows.
    const early: (() => void)[] = [];
    const opened = await deps.openLink({
      ...linkOptions,
      signal,
      onMessage: (delivery) => {
        // While we stop nothing more is read; the broker keeps it.
        if (signal.aborted) return new Promise(() => {});
        if (open !== null) return take(into, delivery);
        return new Promise((resolve) => {
          early.push(() => void Promise.resolve(take(into, delivery)).then(resolve));
        });
      },
    });
    try {
      if (!opened.isSessionPresent) await deps.marks.load(true);
      open = opened;
      for (const act of early) act();
      deps.watch.tookIn(sourceId, { records: 0, newestObservedAtMs: null });
      await subscribe(opened);
      isSubscribed = true;
      deps.logger.info({ sourceId, session, isResumed: opened.isSessionPresent }, 'connected to the broker');
      lastProblem = '';
      lastMessageAt = deps.now();
      return await watch(opened);
    } finally {
      await into.stop();
      await opened.close();
      isSubscribed = false;
    }
  };

  /** Waits for the end of a connection; true: the session has nothing any more, and was ended at the broker. */
  const watch = async (open: Link): Promise<boolean> => {
    const isStopped = new Promise<'stopped'>((resolve) => {
      if (signal.aborted) resolve('stopped');
      signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
    for (;;) {
      const look = new AbortController();
      const timer = pause(1_000, 'look' as const, { signal: look.signal }).catch(() => 'look' as const);
      const end = await Promise.race([open.closed, isStopped, timer]);
      look.abort();
      if (end === 'stopped') {
        await drain();
        return false;
      }
      if (end !== 'look') {
        tell(end ?? 'the connection was closed');
        return false;
      }
      const isQuiet = deps.now() - lastMessageAt > quietMs && gathering?.size() === 0;
      if (filters.length === 0 && isQuiet) return true;
    }
  };

  const drain = async (): Promise<void> => {
    const until = deps.now() + drainMs;
    while ((gathering?.size() ?? 0) > 0 && deps.now() < until) await pause(10);
  };

  /** Has the broker forget the session. */
  const end = async (): Promise<void> => {
    const last = await deps.openLink({ ...linkOptions, startsClean: true, signal, onMessage: () => undefined });
    await last.close();
    await deps.memory.forget();
    deps.logger.info({ sourceId, session }, 'a session that is not used any more was ended at the broker');
  };

  const run = async (): Promise<void> => {
    let isOver = false;
    let pauseMs = firstPauseMs;
    while (!signal.aborted && !isOver) {
      let nextPauseMs = leasePauseMs;
      if (options.isOurs()) {
        const at = deps.now();
        let growth = fastGrowth;
        try {
          isOver = await connect();
          if (isOver) await end();
        } catch (error) {
          isOver = false;
          if (error instanceof StreamManagerError && error.code === 'broker_unreachable') growth = slowGrowth;
          if (!signal.aborted) tell(messageOf(error));
        }
        if (deps.now() - at > steadyMs) pauseMs = firstPauseMs;
        nextPauseMs = deps.random() * pauseMs;
        pauseMs = Math.min(pauseMs * growth, longestPauseMs);
      } else pauseMs = firstPauseMs;
      // An abort only ends the pause early; the loop sees it.
      if (!isOver) await pause(nextPauseMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();

  return {
    isConnected: () => isSubscribed,
    unacknowledged: () => gathering?.size() ?? 0,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
};
