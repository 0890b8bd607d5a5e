import { sourceKeys } from '@stream-manager/shared/queues/keys';
import { requestReparse } from '@stream-manager/shared/queues/poll-queue';
import { createTestAuthority } from '@stream-manager/testkit/network/certificates';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, it } from 'vitest';
import { type LinkOptions, openMqttLink } from '../../../src/intake/mqtt/link.ts';
import { sourceId } from '../../poller-bundle.ts';
import { openBroker, timedMessages } from './broker.ts';
import {
  heldBy,
  openMqttBundle,
  patient,
  startWorker,
  untilAcknowledged,
  untilConnected,
  untilHeld,
  upTo,
  valuesOf,
} from './mqtt-bundle.ts';

describe('messages of a broker', () => {
  it('are admitted once each, and acknowledged; what waits in the sessions is read fast', async () => {
    // Saving all that waits with every message takes the broker longer than all the rest.
    await using broker = await openBroker({ settings: ['autosave_on_changes false'] });
    await using poller = await openMqttBundle(broker.server.url);
    {
      await using _worker = await startWorker(poller);
      await untilConnected(poller, 4);
    }
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 20_000), 1_000);
    expect(await heldBy(poller)).toBe(0);
    const started = performance.now();
    await using _worker = await startWorker(poller);
    await untilHeld(poller, 20_000);
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(
      `mqtt: 20,000 messages that waited were admitted in ${seconds.toFixed(1)} s, connecting included\n`,
    );
    await untilAcknowledged(poller);
    expect(await valuesOf(poller)).toEqual(upTo(20_000));
    expect(await poller.value('records_duplicate_total')).toBe(0);
    expect(await poller.value('intake_messages_total')).toBe(20_000);
  }, 180_000);

  it('without a time are two records when they are equal, also in one moment', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 4);
    await using publisher = await broker.publisher();
    const message = { topic: 'sensors/d1/temperature', payload: '21.5' };
    await publisher.publish(Array.from({ length: 40 }, () => message));
    await untilHeld(poller, 40);
    await untilAcknowledged(poller);
    expect(await valuesOf(poller)).toEqual(Array.from({ length: 40 }, () => 21.5));
    // What is kept of them while they are on their way is gone.
    const marks = await poller.redis.keys(`${sourceKeys(poller.keyPrefix, sourceId).prefix}:mqtt-marks*`);
    expect(marks).toEqual([]);
  });

  it('come with QoS 0, too, and retained ones once', async () => {
    await using broker = await openBroker();
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 1), 1, { retain: true });
    await using poller = await openMqttBundle(broker.server.url, { params: { sessions: 1, qos: 0 } });
    for (const count of [1, 11]) {
      await using _worker = await startWorker(poller);
      await untilConnected(poller, 1);
      await untilHeld(poller, 1);
      await publisher.publish(timedMessages(count, 10), 10, { qos: 0 });
      await untilHeld(poller, count + 10);
    }
    expect(await valuesOf(poller)).toEqual(upTo(21));
  });

  it('that are no readings are dead letters, are acknowledged, and can be parsed again', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url, { params: { receiveMaximum: 10 } });
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 4);
    await using publisher = await broker.publisher();
    // Many more than may be unacknowledged.
    const broken = Array.from({ length: 200 }, (_value, index) => ({
      topic: `sensors/d${index}/temperature`,
      payload: 'n/a',
    }));
    // A worker that it kills would get it again with its next life.
    const deep = { topic: 'sensors/d0/temperature', payload: '['.repeat(100_000) + ']'.repeat(100_000) };
    await publisher.publish([deep, ...broken, ...timedMessages(0, 10)]);
    await untilHeld(poller, 10);
    await untilAcknowledged(poller);
    expect(await poller.letters.getJobCountByTypes('waiting')).toBe(201);
    expect(await poller.value('records_invalid_total', { reason: 'not_a_number' })).toBe(200);
    const letters = await poller.letters.getJobs(['waiting']);
    const letter = letters.find(({ data }) => data.raw === 'n/a');
    const { code, pollId, firstFailedAt, rawContext = '' } = letter!.data;
    // As if a parser of now could read it.
    const kept = { sourceId, code, pollId, firstFailedAt, rawContext, raw: '19.5 degC', replays: 0 };
    await requestReparse(poller.polls, { ...kept, letterId: letter!.id!, letterAddedAt: letter!.timestamp });
    await untilHeld(poller, 11);
    expect(await valuesOf(poller)).toContain(19.5);
  });
});

describe('a source that may not take more', () => {
  it('lets its sessions go while it is paused, and the messages wait', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 4);
    await poller.states.setPaused(sourceId, true);
    await untilConnected(poller, 0);
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 100));
    expect(await heldBy(poller)).toBe(0);
    await poller.states.setPaused(sourceId, false);
    await untilHeld(poller, 100);
    expect(await valuesOf(poller)).toEqual(upTo(100));
  });

  it('leaves them unacknowledged while its queue or the memory of Redis is full', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url, {
      params: { receiveMaximum: 20, sessions: 2 },
      source: { queue: { maxRecords: 100, criticalReserve: 10, admitWaitMs: 50 } },
    });
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 2);
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 300));
    const taken = new Set<number>();
    poller.memoryHigh = 'Redis is nearly full';
    // A producer that takes what is there, chunk by chunk.
    const drain = async (): Promise<boolean> => {
      expect(await heldBy(poller)).toBeLessThanOrEqual(90);
      // The jobs first: what comes meanwhile is read the next time.
      const jobs = await poller.records.getPrioritized();
      for (const value of await valuesOf(poller)) taken.add(value);
      for (const job of jobs) await poller.store.settle(sourceId, job.id!, null, Number(job.data.records));
      return taken.size === 300;
    };
    await waitUntil(
      'what was in to be taken out, and no more to come',
      async () => {
        await drain();
        return (await heldBy(poller)) === 0 && (await poller.value('intake_unacknowledged')) >= 40;
      },
      patient,
    );
    expect(taken.size).toBeLessThan(300);
    poller.memoryHigh = null;
    await waitUntil('all to be taken', drain, patient);
    await untilAcknowledged(poller);
    expect([...taken].sort((one, other) => one - other)).toEqual(upTo(300));
    expect(await poller.value('records_accepted_total')).toBe(300);
  }, 120_000);
});

describe('sessions at the broker', () => {
  it('that a new config does not have are emptied and ended, and subscriptions are those of the config', async () => {
    await using broker = await openBroker();
    await using poller = await openMqttBundle(broker.server.url);
    {
      await using _worker = await startWorker(poller);
      await untilConnected(poller, 4);
    }
    await using publisher = await broker.publisher();
    await publisher.publish(timedMessages(0, 100));
    const key = sourceKeys(poller.keyPrefix, sourceId).mqttSessions;
    expect(await poller.redis.hlen(key)).toBe(4);
    const entry = poller.config.sources[sourceId]!;
    if (entry.type !== 'mqtt') throw new Error('the source is of type mqtt');
    Object.assign(entry.params, { sessions: 1, topics: ['others/+/temperature'] });
    await using _worker = await startWorker(poller);
    await untilHeld(poller, 100);
    await waitUntil('the sessions to be ended', async () => (await poller.redis.hlen(key)) === 1, patient);
    expect(await poller.redis.hgetall(key)).toEqual({ 0: '["others/+/temperature"]' });
    await publisher.publish([...timedMessages(100, 10), { topic: 'others/d/temperature', payload: '77' }]);
    await untilHeld(poller, 101);
    expect(await valuesOf(poller)).toEqual(upTo(100).toSpliced(78, 0, 77));
  }, 120_000);
});

describe('a broker that asks who comes', () => {
  it('has those whom it refuses shown with why, and without the password, until they come in', async () => {
    await using broker = await openBroker({ user: { name: 'reader', password: 'a password' } });
    const params = { username: 'reader', password: 'an-old-password' };
    await using poller = await openMqttBundle(broker.server.url, { params });
    const shown = async () => (await poller.states.read([sourceId])).get(sourceId)?.lastPoll;
    {
      await using _worker = await startWorker(poller);
      await waitUntil('the refusal', async () => (await shown())?.outcome === 'failed', patient);
      expect((await shown())!.error).toMatch(/refuses user or password/);
      expect((await shown())!.error).not.toContain('an-old-password');
    }
    const context = poller.context();
    const entry = context.config.sources[sourceId]!;
    const mended = { ...entry, params: { ...entry.params, password: 'a password' } } as typeof entry;
    const config = { ...context.config, sources: { [sourceId]: mended } };
    await using _worker = await startWorker(poller, { ...context, config });
    await waitUntil('the connection', async () => (await shown())?.outcome === 'ok', patient);
  });

  it('is reached over TLS with user and password; who has none is told', async () => {
    const authority = createTestAuthority();
    const ca = authority.cert;
    const tls = { ca, ...authority.issue('broker', ['localhost']) };
    await using broker = await openBroker({ tls, user: { name: 'reader', password: 'a password' } });
    const url = broker.server.tlsUrl!;
    const params = { username: 'reader', password: 'a password' };
    await using poller = await openMqttBundle(url, { params, source: { tls: { ca } } });
    await using _worker = await startWorker(poller);
    await untilConnected(poller, 4);
    expect(await poller.redis.hlen(sourceKeys(poller.keyPrefix, sourceId).mqttSessions)).toBe(4);

    const signal = AbortSignal.timeout(patient.timeoutMs);
    const link = {
      clientId: 'x',
      protocolVersion: 5,
      keepaliveSeconds: 60,
      sessionExpirySeconds: 1,
      signal,
    } as const;
    const open = (more: Partial<LinkOptions>) =>
      openMqttLink({
        ...link,
        url,
        receiveMaximum: 10,
        connectTimeoutMs: 10_000,
        onMessage: () => undefined,
        ...more,
      });
    await expect(open({ tls: { ca } })).rejects.toMatchObject({ code: 'credentials_refused' });
    // The authority is not one that everybody trusts.
    await expect(open(params)).rejects.toMatchObject({ code: 'broker_unreachable' });
    await expect(open({ url: 'mqtt://127.0.0.1:1' })).rejects.toThrow(/127\.0\.0\.1:1.*ECONNREFUSED/);
  });
});
