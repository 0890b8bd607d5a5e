import { secretValues } from '@stream-manager/shared/config/redact';
import { describe, expect, it } from 'vitest';
import { loadText } from './config-file.ts';

const text = `
redis: { url: "redis://me:p%40ssword@host:1" }
kafka: { sasl: { mechanism: plain, username: me, password: kafka-password } }
routing: { custom: { firms: topic-a } }
sources:
  firms:
    type: nasa-firms
    headers: { User-Agent: me@example.org, Authorization: Bearer 123456 }
    partitionKey: data.satellite
    params: { mapKey: "\${KEY}", bbox: [1, 2, 3, 4] }
  air: { type: purpleair, params: { apiKey: "\${OPEN}", bbox: [1, 2, 3, 4] } }
  push: { type: push, params: { token: "\${TOKEN}" } }
`;
const env = { KEY: 'value-of-key', TOKEN: 'value-of-the-token' };

describe('secretValues', () => {
  it('lists the secrets of a config, passwords of addresses as written and as meant, and no open variables', async () => {
    const loaded = await loadText(text, { env, secrets: 'optional' });
    expect(new Set(secretValues(loaded))).toEqual(
      new Set(['p%40ssword', 'p@ssword', 'kafka-password', 'Bearer 123456', 'value-of-key', 'value-of-the-token']),
    );
  });

  it('leaves out texts that are too short to be masked in a log', async () => {
    const loaded = await loadText(text, { env: { ...env, KEY: 'abc' }, secrets: 'optional' });
    expect(secretValues(loaded)).not.toContain('abc');
  });
});
