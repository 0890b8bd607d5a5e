// Addresses that were given: nothing is started, they only have to answer in time. A Redis that loads its
// data counts as coming; a refused password does not.
import { connect } from 'node:net';
import { waitUntil } from '../wait-until.ts';
import { type Say, withProgress } from './progress.ts';
import { askKafka, askRedis } from './readiness.ts';
import { StackError } from './stack-error.ts';

interface Context {
  readonly say: Say;
  readonly signal: AbortSignal;
  /** How long to try. */
  readonly timeoutMs: number;
}

/** Resolves with the address as it may be shown when the Redis at `url` serves. Throws a `StackError` (`unreachable`, `invalid`) that names it without password. */
export const reachRedis = async (url: string, { say, signal, timeoutMs }: Context): Promise<string> => {
  const shown = withoutCredentials(url);
  if (shown === null) throw new StackError('invalid', 'REDIS_URL is not of the form redis://HOST:PORT');
  const refused = new AbortController();
  const probe = async (): Promise<true> => {
    try {
      await askRedis(url);
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (/WRONGPASS|NOAUTH|NOPERM/.test(message)) refused.abort(error);
      throw error;
    }
  };
  const options = { timeoutMs, intervalMs: 250, signal: AbortSignal.any([signal, refused.signal]) };
  try {
    await withProgress(say, `waiting for Redis at ${shown}`, waitUntil(`an answer from ${shown}`, probe, options));
    return shown;
  } catch (error) {
    if (signal.aborted) throw error;
    const what = refused.signal.aborted ? 'refuses the login' : `does not answer (tried for ${timeoutMs / 1_000} s)`;
    throw new StackError(
      'unreachable',
      `Redis at ${shown}, given by REDIS_URL, ${what}: ${reasonOf(error)}. ` +
        'Start it or correct REDIS_URL; without REDIS_URL a local Redis is started.',
      { cause: error },
    );
  }
};

/** A listener that takes connections but no plain request has this long to turn out to be a Kafka that is starting. */
const plainAnswerWithinMs = 10_000;

/**
 * Resolves when one of the brokers answers. A listener with TLS or SASL cannot be asked from here: when connections are
 * taken but not answered for ten seconds, that is said and counts as reachable. Throws a `StackError` `unreachable`.
 */
export const reachKafka = async (brokers: readonly string[], { say, signal, timeoutMs }: Context): Promise<void> => {
  const shown = brokers.join(',');
  let connectedSince: number | null = null;
  const probe = async (): Promise<'answered' | 'connected'> => {
    try {
      await askKafka(brokers);
      return 'answered';
    } catch (error) {
      const isConnected = (await Promise.all(brokers.map(takesConnection))).includes(true);
      connectedSince = isConnected ? (connectedSince ?? performance.now()) : null;
      if (
        connectedSince !== null &&
        performance.now() - connectedSince > Math.min(plainAnswerWithinMs, timeoutMs / 2)
      ) {
        return 'connected';
      }
      throw error;
    }
  };
  const options = { timeoutMs, intervalMs: 250, signal };
  try {
    const waiting = waitUntil(`an answer from ${shown}`, probe, options);
    if ((await withProgress(say, `waiting for Kafka at ${shown}`, waiting)) === 'connected') {
      say(`kafka: ${shown} takes connections but answers no plain request (TLS or SASL?); going on`);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new StackError(
      'unreachable',
      `Kafka at ${shown}, given by KAFKA_BROKERS, does not answer (tried for ${timeoutMs / 1_000} s): ${reasonOf(error)}. ` +
        'Start it or correct KAFKA_BROKERS; without KAFKA_BROKERS a local Kafka is started.',
      { cause: error },
    );
  }
};

/** Pure: the address as it may be shown, or null when it is none. */
export const withoutCredentials = (url: string): string | null => {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return null;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
};

/** What was wrong at the last try, without the wait around it. */
const reasonOf = (error: unknown): string => {
  const innermost = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return innermost instanceof Error ? innermost.message : String(innermost);
};

const takesConnection = async (broker: string): Promise<boolean> =>
  new Promise((resolve) => {
    const colon = broker.lastIndexOf(':');
    const socket = connect({ host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)), timeout: 1_000 });
    const answer = (isTaken: boolean): void => {
      socket.destroy();
      resolve(isTaken);
    };
    socket.on('connect', () => answer(true));
    socket.on('timeout', () => answer(false));
    socket.on('error', () => answer(false));
  });
