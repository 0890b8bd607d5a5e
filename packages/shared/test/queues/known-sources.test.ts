import { describe, expect, it } from 'vitest';
import { readKnownSource } from '../../src/queues/known-sources.ts';

const plain = { type: 'http', mode: 'real-time' };

describe('an entry of a known source', () => {
  it.each([
    { name: 'type and mode', entry: plain, expected: plain },
    { name: 'a fixed topic', entry: { ...plain, topic: 'fires' }, expected: { ...plain, topic: 'fires' } },
    { name: 'a type of a newer version', entry: { ...plain, type: 'lora' }, expected: { ...plain, type: 'lora' } },
    { name: 'fields of a newer version', entry: { ...plain, extra: 1 }, expected: plain },
  ])('is read: $name', ({ entry, expected }) => {
    expect(readKnownSource('fires', JSON.stringify(entry))).toEqual(expected);
  });

  it.each([
    { name: 'no JSON', id: 'fires', json: '{' },
    { name: 'no object', id: 'fires', json: '"http"' },
    { name: 'null', id: 'fires', json: 'null' },
    { name: 'no mode', id: 'fires', json: '{"type":"http"}' },
    { name: 'an empty type', id: 'fires', json: '{"type":"","mode":"batch"}' },
    { name: 'a type without end', id: 'fires', json: JSON.stringify({ ...plain, type: 'x'.repeat(101) }) },
    { name: 'an impossible topic', id: 'fires', json: JSON.stringify({ ...plain, topic: '..' }) },
    { name: 'a topic that is no text', id: 'fires', json: JSON.stringify({ ...plain, topic: 1 }) },
    { name: 'an impossible id', id: 'a:b', json: JSON.stringify(plain) },
    { name: "the shared queue's id", id: 'poll', json: JSON.stringify(plain) },
  ])('is refused: $name', ({ id, json }) => {
    expect(readKnownSource(id, json)).toBeNull();
  });
});
