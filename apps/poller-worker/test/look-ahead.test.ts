import { describe, expect, it } from 'vitest';
import type { AdmissibleRecord, PreparedRows } from '../src/admission/prepare.ts';
import { createLookAhead } from '../src/look-ahead.ts';
import type { Page } from '../src/sources/source.ts';

/** `A1!` = id A with content 1, critical. */
const record = (text: string): AdmissibleRecord => ({
  id: Buffer.from(text.slice(0, 1).repeat(16)),
  hash: Buffer.from(text.slice(1, 2).repeat(8)),
  eventTimeMs: 0,
  key: '',
  value: Buffer.from(text),
  priority: text.endsWith('!') ? 1 : 3,
});
const rowsOf = (page: Page): PreparedRows => ({
  records: String(page.position).split(' ').map(record),
  invalid: [],
  repeated: 0,
  rejected: 0,
  newestObservedAtMs: null,
});
const textsOf = ({ records }: PreparedRows): string => records.map(({ value }) => value.toString()).join(' ');

/**
 * Goes through an answer whose pages hold these records, united by id, and are looked at from page `fullAt` on. `critical`:
 * what of a page is critical where a later row of the same id is not.
 */
const goThrough = async (
  pages: readonly string[],
  fullAt: number,
  hasRoom: () => boolean = () => true,
  critical: Readonly<Record<number, string>> = {},
) => {
  const admitted: string[] = [];
  const lookAhead = createLookAhead({
    prepareCritical: (page) => {
      const rows = rowsOf({ ...page, position: critical[pages.indexOf(String(page.position))] ?? page.position });
      return { ...rows, records: rows.records.filter(({ priority }) => priority === 1) };
    },
    admit: async (rows) => {
      if (!hasRoom()) return false;
      admitted.push(`early ${textsOf(rows)}`);
      return true;
    },
  });
  const pageAt = (at: number): Page => ({
    records: [],
    invalid: [],
    position: pages[at],
    ...(at + 1 < pages.length
      ? {
          ahead: async function* () {
            for (let next = at + 1; next < pages.length; next += 1) yield pageAt(next);
          },
        }
      : {}),
  });
  for (let at = 0; at < pages.length; at += 1) {
    const rows = rowsOf(pageAt(at));
    const left = lookAhead.withoutEarly(rows);
    if (at >= fullAt) await lookAhead.look(pageAt(at), rows);
    admitted.push(textsOf(left));
  }
  return admitted;
};

describe('the look-ahead of a pass', () => {
  it.each([
    {
      name: 'admits what is critical behind the page, and only that, and each once',
      pages: ['A1 B1', 'C1! D1', 'E1 F1!'],
      admitted: ['early C1!', 'early F1!', 'A1 B1', 'D1', 'E1'],
    },
    {
      name: 'leaves out an older row of what went in early, and keeps a newer one',
      pages: ['A1', 'B1', 'B2!', 'B3'],
      admitted: ['early B2!', 'A1', '', '', 'B3'],
    },
    {
      name: 'takes the last critical form of several',
      pages: ['A1', 'B1!', 'B2!'],
      admitted: ['early B1!', 'early B2!', 'A1', '', ''],
    },
    {
      name: 'offers once more what stands on the page in hand in an older form, so that the newer one is the last',
      pages: ['A1 B1', 'A2! C1'],
      admitted: ['early A2!', 'A1 B1', 'A2! C1'],
    },
    {
      name: 'keeps a newer form that stands on the same page and is not critical',
      pages: ['A1', 'B2'],
      critical: { 1: 'B1!' },
      admitted: ['early B1!', 'A1', 'B2'],
    },
    { name: 'does nothing on the last page', pages: ['A1'], admitted: ['A1'] },
  ])('$name', async ({ pages, admitted, critical }) => {
    expect(await goThrough(pages, 0, () => true, critical)).toEqual(admitted);
  });

  it('looks once a pass', async () => {
    expect(await goThrough(['A1', 'B1!', 'C1', 'D1!'], 1)).toEqual(['A1', 'early D1!', 'B1!', 'C1', '']);
  });

  it('leaves on its page what found no room either', async () => {
    let rooms = 1;
    expect(await goThrough(['A1', 'B1!', 'C1!', 'D1!'], 0, () => rooms-- > 0)).toEqual([
      'early B1!',
      'A1',
      '',
      'C1!',
      'D1!',
    ]);
  });
});
