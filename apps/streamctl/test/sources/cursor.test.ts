import { describe, expect, it } from 'vitest';
import { readCursorChange, resetCursor, setCursor, showCursor } from '../../src/sources/cursor.ts';
import { memoryOperator, memoryTerminal } from '../memory-operator.ts';

const firms = { sourceId: 'firms', json: false, version: null };

describe('streamctl sources cursor', () => {
  it('shows from where the next poll goes on', async () => {
    const { api } = memoryOperator();
    const terminal = memoryTerminal();
    expect(await showCursor(api, firms, terminal)).toBe(0);
    expect(terminal.texts.out).toBe(
      'source   firms\nvalue    none\nuntil    none\nwritten  never, version 0\nthe next poll begins as the first one did\n',
    );
  });

  it('sets a value, and shows what there is then', async () => {
    const { api } = memoryOperator();
    const terminal = memoryTerminal();
    expect(await setCursor(api, { ...firms, json: true, change: { value: { page: 3 } } }, terminal)).toBe(0);
    expect(JSON.parse(terminal.texts.out)).toMatchObject({ value: { page: 3 }, version: 1 });
    await expect(setCursor(api, { ...firms, version: 7, change: { value: 1 } }, terminal)).rejects.toThrow(
      'written since',
    );
  });

  it.each([
    { name: 'asks whoever is there', answer: true, yes: false, asked: 1, code: 0, version: 2 },
    { name: 'does nothing when the answer is no', answer: false, yes: false, asked: 1, code: 1, version: 1 },
    { name: 'does not ask with --yes', answer: false, yes: true, asked: 0, code: 0, version: 2 },
    { name: 'asks nobody in a script', answer: null, yes: false, asked: 0, code: 0, version: 2 },
  ])('reset $name', async ({ answer, yes, asked, code, version }) => {
    const { api } = memoryOperator();
    const terminal = memoryTerminal(answer);
    await api.setCursor('firms', { until: '2026-05-01T00:00:00.000Z' }, null);
    expect(await resetCursor(api, { ...firms, yes }, terminal)).toBe(code);
    expect(terminal.questions).toHaveLength(asked);
    expect((await api.cursor('firms')).version).toBe(version);
  });

  it('resets what was confirmed, and not what was written since', async () => {
    const { api } = memoryOperator();
    const terminal = memoryTerminal();
    const confirm = async (question: string): Promise<boolean> => {
      expect(question).toBe('Reset the cursor of firms (value none, until none)?');
      await api.setCursor('firms', { value: 'newer' }, null);
      return true;
    };
    await expect(resetCursor(api, { ...firms, yes: false }, { ...terminal, confirm })).rejects.toThrow('written since');
    expect((await api.cursor('firms')).value).toBe('newer');
  });

  it('names the nearest source', async () => {
    const { api } = memoryOperator();
    await expect(showCursor(api, { ...firms, sourceId: 'frims' }, memoryTerminal())).rejects.toThrow(
      'there is no source "frims"; did you mean firms? there are firms, alerts',
    );
  });

  it.each([
    { value: '7', until: undefined, is: { value: 7 } },
    { value: '{"a":1}', until: undefined, is: { value: { a: 1 } } },
    { value: 'a text', until: undefined, is: { value: 'a text' } },
    { value: undefined, until: '2026-05-01', is: { until: '2026-05-01' } },
  ])('reads $value and $until', ({ value, until, is }) => {
    expect(readCursorChange(value, until)).toEqual(is);
  });

  it.each([
    { value: undefined, until: undefined, text: /either a value/ },
    { value: '1', until: '2026-05-01', text: /either a value/ },
    { value: 'null', until: undefined, text: /use `sources cursor reset`/ },
  ])('refuses $value and $until', ({ value, until, text }) => {
    expect(() => readCursorChange(value, until)).toThrow(text);
  });
});
