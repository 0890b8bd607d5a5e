// One connection to a broker, as a session uses it: the port, and its adapter on mqtt.js (the only file that knows it).
//
// mqtt.js hands messages over one at a time and sends the PUBACK when `handleMessage` calls back, so that whoever waits
// with the PUBACK until the records are admitted would have one message in flight. Therefore the callback gets an error:
// mqtt.js then goes on to the next packet and sends nothing, and the PUBACK is sent by us when its time has come. That, and
// `_sendPacket`, are inside of mqtt.js (handlers/publish.js of 5.16.0, pinned); link.int.test.ts says when they change.
// A connection is one MqttClient, which never reconnects by itself: what belongs to it (packet ids, PUBACKs that are owed)
// ends with it.
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import type { TlsOptions } from '../../http/tls-settings.ts';

/** A message as it was delivered. */
export interface Delivery {
  readonly topic: string;
  readonly payload: Buffer;
  /** What a PUBACK names; null: QoS 0, which nobody acknowledges. */
  readonly packetId: number | null;
  /** It was delivered before, and not acknowledged. */
  readonly isAgain: boolean;
}

/** An open connection with a session behind it. */
export interface Link {
  /** The broker has kept the session: its subscriptions, and what came meanwhile. */
  readonly isSessionPresent: boolean;
  /** Resolves with why the connection ended, as a sentence; null: it was closed by us. */
  readonly closed: Promise<string | null>;
  /** Gives what the broker refused, by subscription. */
  subscribe(filters: readonly string[], qos: 0 | 1): Promise<readonly string[]>;
  unsubscribe(filters: readonly string[]): Promise<void>;
  /** Acknowledges a message; does nothing when the connection is over. In the order of delivery, as MQTT demands. */
  acknowledge(packetId: number): void;
  /** Sends what is owed and disconnects; the broker keeps the session. Idempotent. */
  close(): Promise<void>;
}

/** How to connect. */
export interface LinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly protocolVersion: 4 | 5;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: TlsOptions;
  readonly keepaliveSeconds: number;
  /** How long the broker keeps the session without a connection (MQTT 5; with 3.1.1 the broker decides). */
  readonly sessionExpirySeconds: number;
  /** Messages that may be unacknowledged at a time (MQTT 5; with 3.1.1 the broker decides). */
  readonly receiveMaximum: number;
  /** Time for the connection and its CONNACK, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** The broker forgets what it kept of the session, and keeps nothing after this connection. */
  readonly startsClean?: boolean;
  readonly signal: AbortSignal;
  /** Called for each message in their order; while its promise is open nothing more is read. */
  readonly onMessage: (delivery: Delivery) => Promise<void> | undefined;
}

/** Opens a connection; rejects with `broker_unreachable` or `credentials_refused`. */
export type OpenLink = (options: LinkOptions) => Promise<Link>;

/** CONNACK codes that say who we are is the trouble: MQTT 3.1.1 has 4 and 5, MQTT 5 has 134 and 135. */
const credentialCodes: ReadonlySet<unknown> = new Set([4, 5, 134, 135]);

/** A broker that does not let go is left after this, in milliseconds. */
const closePatienceMs = 2_000;

/** Given to `handleMessage`'s callback, so that mqtt.js goes on and leaves the PUBACK to us. */
const acknowledgedLater = new Error('acknowledged when the records are admitted');

/** What of mqtt.js is used though its types keep it private. */
interface PacketSender {
  _sendPacket(packet: { readonly cmd: 'puback'; readonly messageId: number }): void;
}

/** Opens a connection with mqtt.js. */
export const openMqttLink: OpenLink = async (options) => {
  options.signal.throwIfAborted();
  const client = mqtt.connect(options.url, clientOptions(options));
  let error: Error | null = null;
  let refusal: string | null = null;
  let isOver = false;
  let closing: Promise<void> | null = null;
  const ended = Promise.withResolvers<string | null>();
  client.on('error', (reason) => {
    error = reason;
  });
  client.on('disconnect', (packet) => {
    refusal = `the broker ended the connection (reason ${packet.reasonCode ?? 'unknown'})`;
  });
  client.on('close', () => {
    isOver = true;
    ended.resolve(
      closing !== null ? null : (refusal ?? (error === null ? 'the connection was closed' : messageOf(error))),
    );
  });
  client.handleMessage = (packet, callback) => {
    let held: Promise<void> | undefined;
    try {
      held = options.onMessage({
        topic: packet.topic,
        payload: typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload,
        packetId: packet.qos === 0 ? null : (packet.messageId ?? null),
        isAgain: packet.dup,
      });
    } catch (reason) {
      // mqtt.js would end the process with it.
      refusal = `a message on ${packet.topic} was not taken: ${messageOf(reason)}`;
      client.end(true);
      return;
    }
    if (held === undefined) callback(acknowledgedLater);
    else void held.finally(() => callback(acknowledgedLater));
  };
  const connack = await connected(client, options, ended.promise, () => error);
  // The types keep it private; see above.
  const sender = client as unknown as PacketSender;
  return {
    isSessionPresent: connack.sessionPresent,
    closed: ended.promise,
    subscribe: async (filters, qos) => {
      // rh 1: what is retained is sent for a new subscription only.
      const wanted = Object.fromEntries(filters.map((filter) => [filter, { qos, rh: 1 as const }]));
      const granted = await client.subscribeAsync(wanted).catch((failure: unknown) => {
        const codes = grantedCodes(failure);
        if (codes === null) throw failure;
        return filters.map((topic, index) => ({ topic, qos: codes[index] ?? 0 }));
      });
      return granted.filter((one) => one.qos >= 0x80).map((one) => one.topic);
    },
    unsubscribe: async (filters) => {
      await client.unsubscribeAsync([...filters]);
    },
    acknowledge: (packetId) => {
      // A PUBACK after the end would be kept for a connection on which the packet id means something else.
      if (!isOver && client.connected && closing === null) sender._sendPacket({ cmd: 'puback', messageId: packetId });
    },
    close: () => {
      closing ??= closeClient(client, ended);
      return closing;
    },
  };
};

const clientOptions = (options: LinkOptions): IClientOptions => {
  const { protocolVersion, tls, username, password, startsClean = false } = options;
  return {
    clientId: options.clientId,
    protocolVersion,
    clean: startsClean,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    timerVariant: 'native',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tlsOptions(tls),
    ...(protocolVersion === 5
      ? {
          properties: {
            receiveMaximum: options.receiveMaximum,
            sessionExpiryInterval: startsClean ? 0 : options.sessionExpirySeconds,
            requestProblemInformation: true,
          },
        }
      : {}),
  };
};

/** mqtt.js wants lists that may be changed. */
const tlsOptions = (tls: TlsOptions | undefined): IClientOptions => {
  if (tls === undefined) return {};
  const { ca, ...rest } = tls;
  return { ...rest, ...(ca === undefined ? {} : { ca: [ca].flat() }) };
};

const connected = async (
  client: MqttClient,
  { signal, url }: LinkOptions,
  ended: Promise<string | null>,
  errorOf: () => Error | null,
): Promise<IConnackPacket> => {
  const host = new URL(url).host;
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(new StreamManagerError('stopped', 'stopped while connecting to a broker'));
  signal.addEventListener('abort', stop, { once: true });
  const failed = ended.then((reason) => {
    const error = errorOf();
    const code: unknown = error !== null && 'code' in error ? error.code : null;
    throw credentialCodes.has(code)
      ? new StreamManagerError('credentials_refused', `the broker at ${host} refuses user or password: ${reason ?? ''}`)
      : new StreamManagerError('broker_unreachable', `no connection to the broker at ${host}: ${reason ?? ''}`, {
          cause: error ?? undefined,
        });
  });
  const connack = new Promise<IConnackPacket>((resolve) => {
    client.once('connect', resolve);
  });
  try {
    return await Promise.race([connack, failed, stopped.promise]);
  } catch (error) {
    client.end(true);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** The codes of a SUBACK that refuses something: mqtt.js makes an error of it. */
const grantedCodes = (failure: unknown): readonly number[] | null => {
  const packet: unknown =
    typeof failure === 'object' && failure !== null && 'packet' in failure ? failure.packet : null;
  const granted: unknown = typeof packet === 'object' && packet !== null && 'granted' in packet ? packet.granted : null;
  return Array.isArray(granted) ? granted.map(Number) : null;
};

const closeClient = async (client: MqttClient, ended: PromiseWithResolvers<string | null>): Promise<void> => {
  // Also when the broker ends the connection itself from here on.
  const isDone = Promise.withResolvers<void>();
  const patience = setTimeout(() => {
    client.end(true);
    isDone.resolve();
  }, closePatienceMs);
  client.end(false, {}, () => isDone.resolve());
  await isDone.promise;
  clearTimeout(patience);
  ended.resolve(null);
};
