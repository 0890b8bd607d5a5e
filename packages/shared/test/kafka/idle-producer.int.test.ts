import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { createKafkajsPort } from '../../src/kafka/kafkajs-adapter.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./idle-producer.ts', import.meta.url));

describe('an idle producer and admin', () => {
  it('fire no timers, warn of nothing and let the process end', async () => {
    const brokers = inject('kafkaBrokers');
    const topic = `idle-${randomUUID()}`;
    const port = createKafkajsPort({ brokers, clientId: 'idle', compression: 'none', ssl: false, sasl: null });
    const admin = port.createAdmin();
    await admin.createTopics([{ topic, partitions: 2, replicationFactor: -1, config: {} }]);
    await admin.close();

    const { stdout, stderr } = await run(process.execPath, [script, brokers.join(','), topic], { timeout: 30_000 });
    const answer = JSON.parse(stdout) as { failures: number; ends: number; active: readonly string[] };
    expect(answer).toMatchObject({ failures: 0, ends: 2 });
    expect(answer.active).toContain('TCPSocketWrap');
    expect(answer.active).not.toContain('Timeout');
    // kafkajs' loop makes a TimeoutNegativeWarning on Node 24.
    expect(stderr).toBe('');
  });
});
