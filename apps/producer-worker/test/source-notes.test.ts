import { createHealth } from '@stream-manager/shared/ops/health';
import { describe, expect, it } from 'vitest';
import { createSourceNotes } from '../src/source-notes.ts';
import { silent } from './chunks.ts';

describe('createSourceNotes', () => {
  it('keeps one note of each kind per source, and forgets each by itself', () => {
    const health = createHealth();
    const notes = createSourceNotes({ health, logger: silent });
    notes.set('a', 'destination', 'topic x is unknown');
    notes.set('a', 'newer', 'payload version 9');
    notes.set('b', 'destination', 'topic y is unknown');
    expect(health.report().sources).toEqual({ a: 'payload version 9; topic x is unknown', b: 'topic y is unknown' });
    notes.set('a', 'newer', null);
    notes.set('b', 'destination', null);
    notes.set('b', 'newer', null);
    expect(health.report().sources).toEqual({ a: 'topic x is unknown' });
  });
});
