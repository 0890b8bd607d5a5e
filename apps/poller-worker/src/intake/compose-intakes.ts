// The intakes of a poller, composed: MQTT sessions and the endpoint for pushed records, over one admission and one watch of
// the operator's flags. Those who wait for room here hold no slot of a poll, so they have a waiting room of their own.
import { setImmediate } from 'node:timers/promises';
import { isPolledType } from '@stream-manager/shared/config/source-types';
import { after } from '@stream-manager/shared/ops/after';
import type { ProcessContext } from '@stream-manager/shared/ops/process-context';
import type { ChunkStore } from '@stream-manager/shared/queues/chunk-store';
import type { SourceStateStore } from '@stream-manager/shared/queues/source-state';
import type { Router } from 'express';
import type { AdmissionDeps } from '../admission/admission.ts';
import { createRoom } from '../admission/room.ts';
import type { TlsSettings } from '../http/tls-settings.ts';
import type { PolledSource } from '../polled-sources.ts';
import type { Intake } from './intake.ts';
import { type OpenLink, openMqttLink } from './mqtt/link.ts';
import { createMqttIntake } from './mqtt/mqtt-intake.ts';
import { createPushIntake } from './push/push-intake.ts';
import { createAdmitRows } from './row-admission.ts';
import { createSourceWatch } from './source-watch.ts';

/** What the intakes share with the polls. */
export interface IntakeDeps {
  readonly context: Pick<ProcessContext, 'config' | 'redis' | 'redisMemory' | 'logger' | 'metrics' | 'instance'>;
  readonly sources: ReadonlyMap<string, PolledSource>;
  readonly store: ChunkStore;
  readonly states: SourceStateStore;
  readonly admission: AdmissionDeps;
  readonly tls: TlsSettings;
}

/** All intakes of the process, and their routes. */
export interface Intakes extends Intake {
  readonly routes: Router;
}

/** Composes them; nothing is taken before `start`. */
export const composeIntakes = (deps: IntakeDeps, openLink: OpenLink = openMqttLink): Intakes => {
  const { redis, redisMemory, logger, metrics, config, instance } = deps.context;
  const { keyPrefix } = config.redis;
  const { now, monotonicNow, cutSecrets } = deps.admission;
  const sources = [...deps.sources.values()].filter((source) => !isPolledType(source.config.type));
  const watch = createSourceWatch(
    { states: deps.states, logger, now, after },
    sources.map((source) => source.config),
  );
  const room = createRoom(
    { store: deps.store, memory: redisMemory, now: monotonicNow },
    { maxWaiting: Number.POSITIVE_INFINITY },
  );
  const nextTurn = async (): Promise<void> => setImmediate();
  const admitRows = createAdmitRows({
    admission: { ...deps.admission, room },
    watch,
    nextTurn,
  });
  const shared = { redis, admitRows, watch, metrics, logger, cutSecrets, now, after };
  const mqtt = createMqttIntake(
    { ...shared, openLink, tls: deps.tls, monotonicNow, random: Math.random },
    { keyPrefix, instance: instance.id, sources },
  );
  const push = createPushIntake({ ...shared, memory: redisMemory, nextTurn }, { keyPrefix, sources });
  return {
    routes: push.routes,
    start: async (signal) => {
      await watch.start(signal);
      await push.start(signal);
      await mqtt.start(signal);
    },
    finish: async () => {
      await Promise.all([push.finish(), mqtt.finish()]);
    },
    stop: async () => {
      await Promise.all([push.stop(), mqtt.stop()]);
      await watch.stop();
    },
  };
};
