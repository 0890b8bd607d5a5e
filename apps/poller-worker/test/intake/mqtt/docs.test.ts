import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { aliasesOf } from '../../../src/intake/mqtt/measurement-names.ts';
import { allQuantities } from '../../../src/intake/mqtt/measurement-units.ts';

describe('docs/mqtt.md', () => {
  it('has every measurement with its names and units, and no other', async () => {
    const page = await readFile(new URL('../../../../../docs/mqtt.md', import.meta.url), 'utf8');
    const [, table = ''] = page.split('| field of `data` | names | units |\n|---|---|---|\n');
    const rows = (table.split('\n\n', 1)[0] ?? '').split('\n');
    const words = (cell: string | undefined): readonly string[] =>
      [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '');
    expect(
      rows.map((row) => {
        const [, fields, names, units] = row.split('|');
        return [words(fields), words(names), words(units)];
      }),
    ).toEqual(
      allQuantities.map(([name, { field, bareField, units }]) => [
        bareField === undefined ? [field] : [field, bareField],
        aliasesOf(name),
        Object.keys(units),
      ]),
    );
  });
});
