// What a long answer in CSV or NDJSON takes of a poller's memory, measured.
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@stream-manager/testkit/stack/run-command';
import { expect, it } from 'vitest';
import { startTestServer } from '../../http/test-server.ts';

/** Rows of the large answer: about 30 MB. */
const largeRows = 300_000;
const rowsPerPiece = 1000;
const note = `${'x'.repeat(60)}, "quoted" and\nbroken`;

const forms = {
  csv: { head: 'id,t,note\n', row: (id: number) => `${id},1751652000,"${note.replaceAll('"', '""')}"\n` },
  ndjson: { head: '', row: (id: number) => `${JSON.stringify({ id, t: 1_751_652_000, note })}\n` },
};

it.each(['csv', 'ndjson'] as const)(
  'is little, since it lies on the disk: %s',
  async (form) => {
    const { head, row } = forms[form];
    function* textOf(rows: number): Generator<string> {
      yield head;
      for (let from = 0; from < rows; from += rowsPerPiece)
        yield Array.from({ length: rowsPerPiece }, (_row, at) => row(from + at)).join('');
    }
    await using server = await startTestServer((request, response) => {
      Readable.from(textOf(request.url === '/large' ? largeRows : 12_000)).pipe(response);
    });
    const child = fileURLToPath(new URL('./large-answer-child.ts', import.meta.url));
    const { stdout } = await runCommand(process.execPath, ['--expose-gc', child, server.origin, form], {
      timeoutMs: 90_000,
    });
    // What the child printed.
    const { rows, heldBytes } = JSON.parse(stdout) as { readonly rows: number; readonly heldBytes: number };
    expect(rows).toBe(largeRows);
    expect(heldBytes).toBeLessThan(12_000_000);
  },
  200_000,
);
