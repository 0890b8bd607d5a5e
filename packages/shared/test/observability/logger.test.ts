import { describe, expect, it } from 'vitest';
import { createLogger, cutSecrets } from '../../src/observability/logger.ts';

const collect = () => {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
};

describe('the logger', () => {
  it('cuts secrets by value wherever they stand, also percent-encoded', () => {
    const { lines, destination } = collect();
    const logger = createLogger({ role: 'r', instance: 'i', secrets: ['s3cr et/key'], destination });
    logger.info({ url: 'http://h/s3cr%20et%2Fkey', deep: { list: ['x s3cr et/key y'] } }, 'with s3cr et/key');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/s3cr/);
    expect(lines[0]).toContain('***');
  });

  it('cuts fields that are named like secrets', () => {
    const { lines, destination } = collect();
    createLogger({ role: 'r', instance: 'i', destination }).info({ apiKey: 'abc', a: { password: 'def' } }, 'x');
    expect(lines[0]).not.toMatch(/abc|def/);
  });

  it('takes an unknown level as info', () => {
    const { lines, destination } = collect();
    const logger = createLogger({ role: 'r', instance: 'i', level: 'loud', destination });
    logger.debug('not shown');
    logger.info('shown');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['shown']);
  });

  it('leaves very short secrets alone', () => {
    expect(cutSecrets('a.b.c', ['.'])).toBe('a.b.c');
  });
});
