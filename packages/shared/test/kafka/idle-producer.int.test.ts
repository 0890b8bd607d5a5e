import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { bothAdapters } from './both-adapters.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./idle-producer.ts', import.meta.url));

describe.each(bothAdapters)('an idle producer and admin of $client', ({ client, open }) => {
  it('fire no timers, warn of nothing and let the process end', async () => {
    const brokers = inject('kafkaBrokers');
    const topic = `idle-${randomUUID()}`;
    const admin = open({ brokers }).createAdmin();
    await admin.createTopics([{ topic, partitions: 2, replicationFactor: -1, config: {} }]);
    await admin.close();

    const { stdout, stderr } = await run(process.execPath, [script, client, brokers.join(','), topic], {
      timeout: 30_000,
    });
    const answer = JSON.parse(stdout) as { failures: number; ends: number; active: readonly string[] };
    expect(answer).toMatchObject({ failures: 0, ends: 2 });
    expect(answer.active).toContain('TCPSocketWrap');
    expect(answer.active).not.toContain('Timeout');
    // kafkajs' loop makes a TimeoutNegativeWarning on Node 24.
    expect(stderr).toBe('');
  });
});
