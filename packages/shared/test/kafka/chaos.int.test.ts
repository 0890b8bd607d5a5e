// Guarantees 1 and 2 at the port: whatever a frozen broker does to the answers, nothing that was acknowledged is missing,
// and with platformatic nothing is there twice. A broker of its own, which suffers for it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChaosResult, runKafkaChaos } from '@stream-manager/testkit/contracts/kafka-chaos';
import { type KafkaBroker, startKafkaBroker } from '@stream-manager/testkit/stack/kafka-broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientOptions } from '../../src/kafka/client-settings.ts';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';
import { createPlatformaticPort } from '../../src/kafka/platformatic-adapter.ts';

let dir: string;
let broker: KafkaBroker;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stream-manager-test-kafka-'));
  // A local one, also when the run's Kafka is given from outside.
  const { KAFKA_BROKERS: _, ...env } = process.env;
  broker = await startKafkaBroker({ dir, env });
}, 120_000);

afterAll(async () => {
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
});

const options = (): ClientOptions & { readonly compression: 'none' } => ({
  brokers: broker.brokers,
  clientId: 'chaos',
  compression: 'none',
  ssl: false,
  sasl: null,
  // Far below a freeze.
  timeouts: { connectMs: 500, handshakeMs: 500, produceMs: 500, requestMs: 600 },
});

/** The figures of docs/decisions/0009. */
const say = (name: string, result: ChaosResult): void => {
  const { acknowledged, failed, missing, doubled, failedButStored } = result;
  process.stdout.write(
    `chaos: ${name}: ${acknowledged} acknowledged, ${failed} failed (${failedButStored} of them stored), ${missing.length} missing, ${doubled.length} doubled\n`,
  );
};

describe('six senders and a broker that is frozen five times', () => {
  it('lose nothing that was acknowledged with kafkajs, and double at most what was in flight', async () => {
    const result = await runKafkaChaos({ broker, port: createKafkajsPort(options()) });
    say('kafkajs', result);
    expect(result.missing).toEqual([]);
    // Six senders, at most five records each, five freezes.
    expect(result.doubled.length).toBeLessThanOrEqual(150);
    expect(result.failed).toBeGreaterThan(0);
  }, 240_000);

  it('lose and double nothing with platformatic, and what it reports was never written', async () => {
    const result = await runKafkaChaos({ broker, port: createPlatformaticPort(options()) });
    say('platformatic', result);
    expect(result.missing).toEqual([]);
    expect(result.doubled).toEqual([]);
    // What waits behind a batch without an answer is let go after the request timeout; it was never sent.
    expect(result.failedButStored).toBe(0);
  }, 240_000);
});
