import { defaultEveryMs, modes as modeNames } from '@stream-manager/shared/config/source-types';
import type { Mode } from '@stream-manager/shared/extensions/mode';
import { codeOf } from '@stream-manager/shared/failures/errors';
import { describe, expect, it } from 'vitest';
import nightOnly from '../../../../config/examples/night-only.ts';
import { batch } from '../../src/modes/batch.ts';
import { continuous } from '../../src/modes/continuous.ts';
import { createModes, type SourceMode } from '../../src/modes/modes.ts';
import { realTime } from '../../src/modes/real-time.ts';

const minute = 60_000;
const pass = { sourceId: 'one', scheduledFor: 10 * minute, periodMs: minute, cursorUntilMs: 9 * minute };

const own = (fields: Partial<Record<keyof Mode, unknown>>): SourceMode => {
  // What a module may export: anything that passed the look at its shape.
  const mode = { name: 'mine', windowOf: () => ({ sinceMs: null, untilMs: 0 }), ...fields } as Mode;
  return createModes({ modes: new Map([['./mine.ts', mode]]), sources: new Map() })({ id: 'one', mode: './mine.ts' });
};

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};

describe.each([
  { name: 'batch', mode: batch },
  { name: 'real-time', mode: realTime },
  { name: 'continuous', mode: continuous },
] as const)('mode $name', ({ name, mode }) => {
  it('has the period that the config takes for it', () => {
    expect(mode).toMatchObject({ name, defaultEveryMs: defaultEveryMs[name] });
  });

  it.each([
    { when: 'of the first pass', cursorUntilMs: null, window: { sinceMs: null, untilMs: 10 * minute } },
    { when: 'after a finished pass', cursorUntilMs: 9 * minute, window: { sinceMs: 9 * minute, untilMs: 10 * minute } },
    { when: 'after an outage', cursorUntilMs: minute, window: { sinceMs: minute, untilMs: 10 * minute } },
    { when: 'of an old tick', cursorUntilMs: 11 * minute, window: { sinceMs: 11 * minute, untilMs: 11 * minute } },
  ])('asks $when for what has come since, and leaves nothing out', ({ cursorUntilMs, window }) => {
    expect(createModes()({ id: 'one', mode: name }).windowOf({ ...pass, cursorUntilMs })).toEqual(window);
  });
});

describe('modes', () => {
  it('are those that the config knows', () => {
    expect(modeNames.map((mode) => createModes()({ id: 'one', mode }).name)).toEqual([...modeNames]);
  });

  it('keep the schedule after a long poll, but for continuous, which goes on at once', () => {
    expect(modeNames.map((mode) => createModes()({ id: 'one', mode }).missedTicks)).toEqual([
      'next_tick',
      'next_tick',
      'at_once',
    ]);
  });

  it('let what comes by itself gather to 100 records or 5 s', () => {
    expect(createModes()({ id: 'one', mode: 'continuous' }).buffer).toEqual({ records: 100, ms: 5_000 });
  });

  it('are refused when their module was not loaded', () => {
    expect(codeOf(thrownBy(() => createModes()({ id: 'one', mode: './mine.ts' })))).toBe('source_unsupported');
    expect(codeOf(thrownBy(() => createModes()({ id: 'one', mode: 'toString' })))).toBe('source_unsupported');
  });
});

describe('a mode of the user’s own', () => {
  it('is always due, keeps the schedule and gathers as usual when it says nothing else', () => {
    const mode = own({});
    expect(mode.isDue(pass)).toBe(true);
    expect(mode).toMatchObject({ missedTicks: 'next_tick', buffer: { records: 100, ms: 5_000 } });
  });

  it('keeps its own this', () => {
    const windowOf = function (this: { readonly name: string }) {
      return { sinceMs: null, untilMs: this.name.length };
    };
    expect(own({ windowOf }).windowOf(pass)).toEqual({ sinceMs: null, untilMs: 4 });
  });

  it.each([
    { name: 'throws', windowOf: () => JSON.parse('{'), says: 'windowOf threw' },
    { name: 'gives nothing', windowOf: () => undefined, says: 'windowOf must give' },
    { name: 'gives text', windowOf: () => ({ sinceMs: '1', untilMs: 2 }), says: 'windowOf must give' },
    { name: 'gives NaN', windowOf: () => ({ sinceMs: null, untilMs: Number.NaN }), says: 'windowOf must give' },
    { name: 'ends before it begins', windowOf: () => ({ sinceMs: 2, untilMs: 1 }), says: 'windowOf must give' },
    { name: 'promises', windowOf: async () => ({ sinceMs: null, untilMs: 1 }), says: 'windowOf must give' },
    // Vitest fails a run in which a rejection is heard by nobody; a process of ours would end.
    { name: 'promises, and breaks it', windowOf: async () => JSON.parse('{'), says: 'windowOf must give' },
  ])('that $name is named in the error', ({ windowOf, says }) => {
    const error = thrownBy(() => own({ windowOf }).windowOf(pass));
    expect(codeOf(error)).toBe('extension_failed');
    expect(String(error)).toContain('mode mine (./mine.ts) of source one');
    expect(String(error)).toContain(says);
  });

  it.each([
    { name: 'throws', isDue: () => JSON.parse('{'), says: 'isDue threw' },
    { name: 'gives a promise', isDue: async () => true, says: 'isDue must give true or false, found object' },
    {
      name: 'breaks a promise',
      isDue: async () => JSON.parse('{'),
      says: 'isDue must give true or false, found object',
    },
  ])('whose isDue $name is named in the error', ({ isDue, says }) => {
    expect(String(thrownBy(() => own({ isDue }).isDue(pass)))).toContain(says);
  });
});

describe('the example night-only', () => {
  const modes = createModes({ modes: new Map([['./night-only.ts', nightOnly]]), sources: new Map() });
  const mode = modes({ id: 'one', mode: './night-only.ts' });

  it.each([
    { at: '2026-01-05T03:59:00Z', isDue: false },
    { at: '2026-01-05T04:00:00Z', isDue: true },
    { at: '2026-01-05T13:59:00Z', isDue: true },
    { at: '2026-01-05T14:00:00Z', isDue: false },
    { at: '2026-07-05T03:00:00Z', isDue: true },
  ])('is due at $at: $isDue', ({ at, isDue }) => {
    expect(mode.isDue({ ...pass, scheduledFor: Date.parse(at) })).toBe(isDue);
  });

  it('asks for two days at most', () => {
    const scheduledFor = Date.parse('2026-01-05T05:00:00Z');
    const window = mode.windowOf({ ...pass, scheduledFor, cursorUntilMs: Date.parse('2025-01-01') });
    expect(window).toEqual({ sinceMs: Date.parse('2026-01-03T05:00:00Z'), untilMs: scheduledFor });
  });
});
