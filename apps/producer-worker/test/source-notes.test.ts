import { createHealth } from '@stream-manager/shared/ops/health';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createSourceNotes, noteHoldsMs } from '../src/source-notes.ts';

const setup = () => {
  const health = createHealth();
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(String(JSON.parse(line).msg)) });
  const clock = { ms: 1_000_000 };
  return { notes: createSourceNotes({ health, logger, now: () => clock.ms }), health, lines, clock };
};

describe('createSourceNotes', () => {
  it('keeps one note of each kind per source, in a fixed order', () => {
    const { notes, health } = setup();
    notes.raise('a', 'destination', 'topic x is unknown');
    notes.raise('a', 'newer', 'payload version 9');
    notes.raise('b', 'destination', 'topic y is unknown');
    expect(health.report().sources).toEqual({ a: 'payload version 9; topic x is unknown', b: 'topic y is unknown' });
  });

  it('forgets a note that nobody raises any more, and only that', () => {
    const { notes, health, clock } = setup();
    notes.raise('a', 'destination', 'topic x is unknown');
    notes.raise('a', 'outage', 'no leader');
    clock.ms += noteHoldsMs;
    notes.raise('a', 'outage', 'no leader');
    clock.ms += 1;
    notes.check();
    expect(health.report().sources).toEqual({ a: 'no leader' });
    clock.ms += noteHoldsMs;
    notes.check();
    expect(health.report().sources).toEqual({});
  });

  it('logs begin and end once, whatever is raised in between', () => {
    const { notes, lines, clock } = setup();
    for (let times = 0; times < 5; times += 1) notes.raise('a', 'outage', `no leader ${times}`);
    clock.ms += noteHoldsMs + 1;
    notes.check();
    notes.check();
    expect(lines).toEqual(['trouble of a source', 'trouble of a source is over']);
  });
});
