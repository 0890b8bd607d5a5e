import { openVariables } from '@stream-manager/shared/config/open-variables';
import { describe, expect, it } from 'vitest';
import { loadText } from './config-file.ts';

const text = `
sources:
  firms:
    type: nasa-firms
    enabled: false
    baseUrl: \${ADDRESS}
    headers: { X-A: "\${A} and \${B}" }
    auth: { type: basic, username: "\${USER_NAME}", password: p }
    tls: { ca: "\${CA}" }
    params: { mapKey: "\${KEY}", bbox: [-1, -1, 1, 1] }
`;

describe('openVariables', () => {
  it('names what is missing before a source can be polled', async () => {
    const { config } = await loadText(text, { env: { B: 'b', A: 'a' } });
    expect(config.sources.firms && openVariables(config.sources.firms)).toEqual(['KEY', 'ADDRESS', 'USER_NAME', 'CA']);
    const none = await loadText(text, {
      env: { B: 'b', A: 'a', KEY: 'k', ADDRESS: 'http://a', USER_NAME: 'me', CA: '/ca.pem' },
    });
    expect(none.config.sources.firms && openVariables(none.config.sources.firms)).toEqual([]);
  });
});
