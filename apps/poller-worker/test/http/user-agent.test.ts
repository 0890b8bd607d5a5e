import { describe, expect, it } from 'vitest';
import { composeUserAgent } from '../../src/http/user-agent.ts';

describe('composeUserAgent', () => {
  it.each([
    { name: 'a contact', contact: 'ops@example.org', agent: 'StreamManager/1.2.3 (+ops@example.org)' },
    { name: 'no contact', contact: undefined, agent: 'StreamManager/1.2.3 (+stream-manager)' },
    { name: 'a blank contact', contact: '  ', agent: 'StreamManager/1.2.3 (+stream-manager)' },
    { name: 'a contact that would break the header', contact: 'a)\r\nX: é(b', agent: 'StreamManager/1.2.3 (+aX: b)' },
  ])('$name', ({ contact, agent }) => {
    expect(composeUserAgent('1.2.3', contact)).toBe(agent);
  });
});
