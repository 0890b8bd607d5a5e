// Three poller workers and three producer workers as separate processes: exactly what was served is in Kafka.
import { formatComparison } from '@stream-manager/testkit/accounting/format-comparison';
import { waitUntil } from '@stream-manager/testkit/wait-until';
import { describe, expect, inject, it } from 'vitest';
import { startSystem } from './system.ts';

const servers = () => ({ redisUrl: inject('redisUrl'), kafkaBrokers: inject('kafkaBrokers') });

describe('a fleet of three pollers and three producers', () => {
  it('stores exactly what was served, each record once, in its topic, with key, headers, timestamp and envelope', async () => {
    await using system = await startSystem(servers());
    const fleet = [
      'scheduler',
      'poller-worker',
      'poller-worker',
      'poller-worker',
      'producer-worker',
      'producer-worker',
      'producer-worker',
    ] as const;
    await Promise.all(fleet.map((role) => system.start(role)));
    const api = await system.api();
    await waitUntil(
      'all sources to have polled',
      async () =>
        (await api.streams()).streams.every(({ lastPoll }) => ['ok', 'not_modified'].includes(lastPoll?.outcome ?? '')),
      {
        timeoutMs: 60_000,
      },
    );
    await waitUntil(
      'some rounds of polls',
      () => system.providers.requests().filter(({ route }) => route === 'firms').length >= 5,
      {
        timeoutMs: 60_000,
      },
    );
    expect((await api.health()).fleet.map(({ role }) => role).sort()).toEqual([...fleet].sort());
    await system.drain();
    const comparison = await system.compare();
    expect(comparison.total.served).toBeGreaterThan(50);
    expect(comparison.isExact, formatComparison(comparison)).toBe(true);
    for (const topic of Object.values(system.topics))
      expect(comparison.topics.find((counts) => counts.topic === topic)?.stored, topic).toBeGreaterThan(0);
  });

  it('publishes nothing twice when every answer has the same rows again and again', async () => {
    // Answers without a version are sent whole each time.
    const validators = { firms: false, observations: false, alerts: false };
    await using system = await startSystem({ ...servers(), providers: { static: true, validators } });
    const fleet = ['scheduler', 'poller-worker', 'poller-worker', 'producer-worker'] as const;
    await Promise.all(fleet.map((role) => system.start(role)));
    await waitUntil(
      'many polls of the same rows',
      () => system.providers.requests().filter(({ route }) => route === 'purpleair').length >= 8,
      {
        timeoutMs: 60_000,
      },
    );
    await system.drain();
    const comparison = await system.compare();
    expect(comparison.isExact, formatComparison(comparison)).toBe(true);
    expect(system.providers.ledger.counts().rowsSent).toBeGreaterThan(3 * comparison.total.served);
  });

  it('keeps a malformed row, once however often it is polled, and it costs no other row', async () => {
    await using system = await startSystem({
      ...servers(),
      providers: { static: true, faults: { firms: { malformedShare: 0.1 }, purpleair: { malformedShare: 0.1 } } },
    });
    const fleet = ['scheduler', 'poller-worker', 'producer-worker'] as const;
    await Promise.all(fleet.map((role) => system.start(role)));
    await waitUntil(
      'several polls',
      () => system.providers.requests().filter(({ route }) => route === 'firms').length >= 4,
      {
        timeoutMs: 60_000,
      },
    );
    await system.drain();
    const malformed = system.providers.ledger.malformed();
    expect(malformed.length).toBeGreaterThan(0);
    const api = await system.api();
    const letters = async (): Promise<number> =>
      (await api.streams()).streams.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
    await waitUntil('a letter per malformed row', async () => (await letters()) === malformed.length);
    const comparison = await system.compare();
    expect(comparison.isExact, formatComparison(comparison)).toBe(true);
  });
});
