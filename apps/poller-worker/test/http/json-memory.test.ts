import { describe, expect, it } from 'vitest';
import { jsonMemory, mostJsonMemory } from '../../src/http/json-memory.ts';

const mb = 1024 * 1024;
const estimate = (row: string, separator = ','): number => {
  const text = Buffer.from(`[${Array.from({ length: 1_000 }, () => row).join(separator)}]`);
  return jsonMemory([text.subarray(0, 777), text.subarray(777)]) / text.length;
};

describe('the memory that a text comes to', () => {
  it.each([
    { name: 'a feature', row: '{"type":"Feature","properties":{"mag":1.2,"place":"12 km N of X"},"geometry":null}' },
    { name: 'a reading', row: '{"id":12345,"pm2_5":7.1,"t":1700000000}' },
    { name: 'short keys', row: '{"a":1,"b":2.5}' },
    { name: 'pairs', row: '[1,2]' },
    { name: 'numbers', row: '1' },
  ])('is within what is allowed for $name', ({ row }) => {
    expect(estimate(row)).toBeLessThan(16);
  });

  it.each(['{}', '[]', '[[]]'])('is beyond it for %s', (row) => {
    expect(estimate(row)).toBeGreaterThan(20);
  });
});

describe('what a text may come to', () => {
  it.each([
    { name: 'a small text', text: 4 * mb, heap: 4_000 * mb, most: 128 * mb },
    { name: 'a large text', text: 64 * mb, heap: 4_000 * mb, most: 1_088 * mb },
    { name: 'a large text in a small process', text: 64 * mb, heap: 500 * mb, most: 250 * mb },
  ])('$name', ({ text, heap, most }) => {
    expect(mostJsonMemory(text, heap)).toBe(most);
  });
});
