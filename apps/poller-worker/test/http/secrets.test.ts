import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, excerptOf, secretHeaderValues } from '../../src/http/secrets.ts';

describe('createRedactor', () => {
  it('cuts every form in which a secret may stand', () => {
    const secret = 'p ä/ss\'w"';
    const redact = createRedactor([secret, null, '']);
    const forms = [
      secret,
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      encodeURI(secret),
      new URLSearchParams({ key: secret }).toString().slice('key='.length),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64'),
    ];
    for (const form of forms) expect(redact(`<${form}>`)).toBe('<***>');
  });

  it('leaves a text without secrets as it is', () => {
    expect(createRedactor([])('nothing to hide')).toBe('nothing to hide');
  });

  it('cuts any text that is a secret', () => {
    // No part of the mask is a secret here: what stays of the mask could look like one.
    const secrets = fc.string({ unit: 'binary', minLength: 1 }).filter((secret) => !secret.includes('*'));
    fc.assert(
      fc.property(secrets, fc.string(), (secret, text) => {
        expect(createRedactor([secret])(`${text}${secret}${text}`)).not.toContain(secret);
      }),
    );
  });
});

describe('secretHeaderValues', () => {
  it('are all but harmless and short ones, and the part after the scheme', () => {
    const values = secretHeaderValues({ Authorization: 'Bearer abcdefgh', 'User-Agent': 'somebody', 'X-Flag': 'on' });
    expect(values).toEqual(['Bearer abcdefgh', 'abcdefgh']);
  });
});

describe('excerptOf', () => {
  const redact = createRedactor(['secret']);
  it.each([
    { name: 'one line', text: ' a\r\n\tb ', excerpt: 'a b' },
    { name: 'no control characters', text: 'a\u001b[2J\u0000b\u202ec', excerpt: 'a [2J b c' },
    { name: 'no secrets', text: 'the secret key', excerpt: 'the *** key' },
    { name: 'nothing', text: '', excerpt: '' },
  ])('has $name', ({ text, excerpt }) => {
    expect(excerptOf(text, redact)).toBe(excerpt);
  });

  it('has at most 200 characters', () => {
    expect(excerptOf('x'.repeat(500), redact)).toBe(`${'x'.repeat(199)}…`);
  });
});
