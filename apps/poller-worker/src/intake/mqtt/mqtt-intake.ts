// The sessions of all sources of type mqtt that this process holds: in rounds it looks which are its own by lease, starts
// and stops sessions accordingly, and lets all of a source go while an operator has it paused or stopped. The broker keeps
// what comes meanwhile.
import type { ResolvedSource } from '@stream-manager/shared/config/resolve-source';
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Metrics } from '@stream-manager/shared/observability/metrics';
import { sourceKeys } from '@stream-manager/shared/queues/keys';
import type { Redis } from 'ioredis';
import type { TlsSettings } from '../../http/tls-settings.ts';
import type { PolledSource } from '../../polled-sources.ts';
import type { Intake } from '../intake.ts';
import type { AdmitRows } from '../row-admission.ts';
import type { SourceWatch } from '../source-watch.ts';
import { createDeliveryMarks } from './delivery-marks.ts';
import type { LinkOptions, OpenLink } from './link.ts';
import { messageReaderOf } from './message-reader.ts';
import { type MqttSession, type MqttSource, startMqttSession } from './mqtt-session.ts';
import { createSessionLeases, leaseMs, renewalMs } from './session-leases.ts';
import { createSessionMemories } from './session-memory.ts';
import { sharedFilter, withoutCovered } from './topics.ts';

/** What it needs. */
export interface MqttIntakeDeps {
  readonly redis: Redis;
  readonly openLink: OpenLink;
  readonly admitRows: AdmitRows;
  readonly watch: Pick<SourceWatch, 'stateOf' | 'tookIn' | 'failed'>;
  readonly tls: TlsSettings;
  readonly metrics: Pick<Metrics, 'intakeMessagesTotal' | 'intakeSessions' | 'intakeUnacknowledged' | 'beforeScrape'>;
  readonly logger: Logger;
  readonly cutSecrets: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that only grow. */
  readonly monotonicNow: () => number;
  readonly random: () => number;
  readonly after: (delayMs: number, act: () => void) => () => void;
}

/** Time for a connection and its CONNACK, in milliseconds. */
const connectTimeoutMs = 15_000;

const sessionsBySharing = 4;

export const isMqtt = (source: ResolvedSource): source is MqttSource => source.type === 'mqtt';

/** Creates the intake of this process; nothing is connected before `start`. */
export const createMqttIntake = (
  deps: MqttIntakeDeps,
  options: { readonly keyPrefix: string; readonly instance: string; readonly sources: readonly PolledSource[] },
): Intake => {
  const holders = options.sources.flatMap((source) =>
    isMqtt(source.config) ? [createHolder(deps, options, source, source.config)] : [],
  );
  deps.metrics.beforeScrape.add(async () => {
    for (const holder of holders) holder.report();
  });
  let isStopped = false;
  let undo = (): void => {};
  let running: Promise<unknown> = Promise.resolve();
  const round = async (): Promise<void> => {
    running = Promise.all(holders.map((holder) => holder.round()));
    await running;
    if (!isStopped) undo = deps.after(renewalMs, () => void round());
  };
  const finish = async (): Promise<void> => {
    isStopped = true;
    undo();
    await running;
    await Promise.all(holders.map((holder) => holder.letGo()));
  };
  return {
    // Not awaited: a broker that is away must not keep the process from starting.
    start: async () => void (holders.length > 0 && round()),
    finish,
    stop: finish,
  };
};

interface Holder {
  round(): Promise<void>;
  letGo(): Promise<void>;
  report(): void;
}

const createHolder = (
  deps: MqttIntakeDeps,
  { keyPrefix, instance }: { readonly keyPrefix: string; readonly instance: string },
  source: PolledSource,
  config: MqttSource,
): Holder => {
  const { id, params } = config;
  const keys = sourceKeys(keyPrefix, id);
  const leases = createSessionLeases(deps.redis, {
    members: keys.intakeMembers,
    leases: keys.intakeLeases,
    instance,
  });
  const memories = createSessionMemories(deps.redis, keys.mqttSessions);
  const name = params.clientId ?? `${keyPrefix}-${id}`;
  const count = params.sessions ?? (params.protocolVersion === 5 ? sessionsBySharing : 1);
  // One session alone needs no group, and gets what is retained, too.
  const isShared = count > 1;
  const filters = withoutCovered(params.topics).map((filter) => (isShared ? sharedFilter(name, filter) : filter));
  const reader = messageReaderOf(config);
  const sessions = new Map<number, MqttSession>();
  let renewedAt = Number.NEGATIVE_INFINITY;
  let held: ReadonlySet<number> = new Set();
  let isIn = false;

  const linkOf = (session: number): Omit<LinkOptions, 'onMessage' | 'signal'> => {
    const tls = deps.tls.of(config);
    return {
      url: params.url,
      clientId: `${name}-${session}`,
      protocolVersion: params.protocolVersion === 4 ? 4 : 5,
      username: params.username,
      password: params.password,
      ...(tls === null ? {} : { tls }),
      keepaliveSeconds: params.keepaliveSeconds,
      sessionExpirySeconds: Math.round(params.sessionExpiryHours * 3_600),
      receiveMaximum: params.receiveMaximum,
      connectTimeoutMs,
    };
  };

  const begin = (session: number): void => {
    const { openLink, admitRows, watch, metrics, logger, cutSecrets, now, random } = deps;
    const marks = createDeliveryMarks(deps.redis, keys.mqttMarks(session));
    sessions.set(
      session,
      startMqttSession(
        {
          openLink,
          admitRows,
          reader,
          marks,
          memory: memories.of(session),
          watch,
          metrics,
          logger,
          cutSecrets,
          now,
          random,
        },
        {
          source,
          session,
          // One of an earlier config, with more sessions: it is emptied and given up.
          filters: session < count ? filters : [],
          link: linkOf(session),
          qos: params.qos === 0 ? 0 : 1,
          isOurs: () => held.has(session) && deps.monotonicNow() - renewedAt < leaseMs,
        },
      ),
    );
  };

  const end = async (ended: readonly number[]): Promise<void> => {
    await Promise.all(ended.map(async (session) => sessions.get(session)?.stop()));
    for (const session of ended) sessions.delete(session);
  };

  const renew = async (): Promise<void> => {
    const wanted = Array.from({ length: count }, (_value, session) => session);
    const all = new Set([...wanted, ...(await memories.known())]);
    isIn = true;
    const at = deps.monotonicNow();
    const round = await leases.renew([...all].sort((one, other) => one - other));
    renewedAt = at;
    held = new Set(round.held);
    const keep = round.held.slice(0, round.share);
    for (const session of keep) if (!sessions.has(session)) begin(session);
    const surplus = [...sessions.keys()].filter((session) => !keep.includes(session));
    await end(surplus);
    const free = round.held.slice(round.share);
    if (free.length > 0) await leases.release(free, false);
  };

  const letGo = async (): Promise<void> => {
    if (!isIn) return;
    await end([...sessions.keys()]);
    await leases.release([...held], true);
    held = new Set();
    isIn = false;
  };

  return {
    round: async () => {
      try {
        if (deps.watch.stateOf(id) === 'running') await renew();
        else await letGo();
      } catch (error) {
        deps.logger.warn({ sourceId: id, error: deps.cutSecrets(messageOf(error)) }, 'leases of sessions not renewed');
      }
    },
    letGo,
    report: () => {
      const all = [...sessions.values()];
      deps.metrics.intakeSessions.set({ source: id }, all.filter((session) => session.isConnected()).length);
      const unacknowledged = all.reduce((sum, session) => sum + session.unacknowledged(), 0);
      deps.metrics.intakeUnacknowledged.set({ source: id }, unacknowledged);
    },
  };
};
