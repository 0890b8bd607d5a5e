// A look at a source of type mqtt: it listens for a while with a session of its own, which takes nothing from those of the
// workers, and says what would become of the messages. The broker keeps nothing of that session.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '@stream-manager/shared/config/schema';
import { maskAddress } from '@stream-manager/shared/config/secret-keys';
import { codeOf, messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { createTlsSettings } from '../http/tls-settings.ts';
import { type Link, openMqttLink } from '../intake/mqtt/link.ts';
import { messageReaderOf } from '../intake/mqtt/message-reader.ts';
import { isMqtt } from '../intake/mqtt/mqtt-intake.ts';
import type { MqttMessage } from '../intake/mqtt/read-message.ts';
import { withoutCovered } from '../intake/mqtt/topics.ts';
import type { Page } from '../sources/source.ts';
import { type Preview, previewPoll } from './preview-poll.ts';
import { type FromConfig, requireVariables, sourceAlone } from './source-alone.ts';
import { redactorOf } from './source-secrets.ts';

/** What was heard. */
export interface Heard {
  /** Without user and password. */
  readonly url: string;
  readonly clientId: string;
  readonly filters: readonly string[];
  /** Subscriptions that the broker refused. */
  readonly refused: readonly string[];
  /** Topics and sizes, in their order. */
  readonly messages: readonly { readonly topic: string; readonly bytes: number }[];
  readonly listenedMs: number;
  readonly preview: Preview;
}

/** Messages after which it has heard enough. */
const enoughMessages = 200;
/** What is held of them at most, in bytes. */
const enoughBytes = 16 * 1_048_576;
const connectTimeoutMs = 15_000;

/** Listens for `listenMs`, or until there is enough. Throws `config_invalid`, `secret_missing`, `broker_unreachable`, `credentials_refused`. */
export const listenAtBroker = async (
  options: FromConfig & {
    readonly config: Config;
    readonly sourceId: string;
    readonly listenMs: number;
    /** Ends it before its time; what was heard counts. */
    readonly signal: AbortSignal;
  },
): Promise<Heard> => {
  const { config, sourceId, listenMs } = options;
  const source = sourceAlone(config, sourceId, options);
  requireVariables(source);
  if (!isMqtt(source.config))
    throw new StreamManagerError('config_invalid', `sources.${sourceId} is of type ${source.config.type}, not mqtt`);
  const { params } = source.config;
  const redact = redactorOf(source.config, options.variables ?? []);
  const clientId = `streamctl-${randomUUID().slice(0, 8)}`;
  const filters = withoutCovered(params.topics);
  const messages: MqttMessage[] = [];
  const enough = new AbortController();
  let bytes = 0;
  let link: Link | null = null;
  const tls = createTlsSettings().of(source.config);
  const startedAt = Date.now();
  let refused: readonly string[] = [];
  try {
    link = await openMqttLink({
      url: params.url,
      clientId,
      protocolVersion: params.protocolVersion === 4 ? 4 : 5,
      username: params.username,
      password: params.password,
      ...(tls === null ? {} : { tls }),
      keepaliveSeconds: params.keepaliveSeconds,
      sessionExpirySeconds: 0,
      receiveMaximum: params.receiveMaximum,
      connectTimeoutMs,
      startsClean: true,
      signal: options.signal,
      onMessage: ({ topic, payload, packetId }) => {
        if (packetId !== null) link?.acknowledge(packetId);
        if (enough.signal.aborted) return undefined;
        messages.push({ topic, payload, receivedAtMs: Date.now(), mark: String(messages.length) });
        bytes += payload.length;
        if (messages.length >= enoughMessages || bytes >= enoughBytes) enough.abort();
        return undefined;
      },
    });
    // Not shared: a member of the group would take messages from the others.
    refused = await link.subscribe(filters, params.qos === 0 ? 0 : 1);
    const ends = AbortSignal.any([options.signal, enough.signal]);
    // An abort only ends the pause early.
    const waited = pause(listenMs, null, { signal: ends }).catch(() => null);
    const broken = await Promise.race([waited, link.closed]);
    if (broken !== null) throw new StreamManagerError('broker_unreachable', broken);
  } catch (error) {
    throw new StreamManagerError(codeOf(error) ?? 'broker_unreachable', redact(messageOf(error)));
  } finally {
    await link?.close();
  }
  const listenedMs = Date.now() - startedAt;
  const reader = messageReaderOf(source.config);
  const rows = messages.map((message) => reader.read(message));
  const page: Page = {
    records: rows.flatMap(({ records }) => records),
    invalid: rows.flatMap(({ invalid }) => invalid),
    position: null,
  };
  const connector = {
    ...source.connector,
    poll: async function* () {
      yield page;
    },
  };
  const preview = await previewPoll(
    { config, http: nothingToAsk, redact },
    // Messages come one by one: no share of bad ones condemns the others.
    { ...source, connector, maxInvalidShare: 1 },
    {
      scheduledFor: startedAt,
      window: { sinceMs: null, untilMs: startedAt },
      maxPages: 1,
      signal: options.signal,
    },
  );
  const heard = messages.map(({ topic, payload }) => ({ topic, bytes: payload.length }));
  return { url: maskAddress(params.url), clientId, filters, refused, messages: heard, listenedMs, preview };
};

const nothingToAsk = {
  fetch: async () => {
    throw new Error('a source of type mqtt asks nobody');
  },
};
