import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf, errorTable, messageOf, StreamManagerError } from '../../src/failures/errors.ts';

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');

describe('errors', () => {
  it('are all in docs/errors.md, with what they mean and whether trying again can help', () => {
    const rows = Object.entries(errorTable).map(
      ([code, { retryable, meaning }]) => `| \`${code}\` | ${retryable ? 'yes' : 'no'} | ${meaning} |`,
    );
    expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
  });

  it('carry their code, whether they can be retried, and the wait', () => {
    const error = new StreamManagerError('rate_limited', 'wait', { retryAfterMs: 1500, cause: new Error('429') });
    expect([error.code, error.retryable, error.retryAfterMs]).toEqual(['rate_limited', true, 1500]);
    expect(codeOf(error)).toBe('rate_limited');
    expect(codeOf(new Error('x'))).toBeNull();
  });

  it.each([
    { name: 'no cause', error: new Error('a'), message: 'a' },
    { name: 'a cause', error: new Error('a', { cause: new Error('b') }), message: 'a: b' },
    {
      name: 'a cause that is said already',
      error: new Error('a because b', { cause: new Error('b') }),
      message: 'a because b',
    },
    { name: 'no error at all', error: 'text', message: 'text' },
  ])('tell the message with $name', ({ error, message }) => {
    expect(messageOf(error)).toBe(message);
  });
});
