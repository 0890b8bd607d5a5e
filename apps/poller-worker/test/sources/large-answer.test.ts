// What an answer of 60 MB takes of a poller's memory, measured.
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@stream-manager/testkit/stack/run-command';
import { expect, it } from 'vitest';
import { startTestServer } from '../http/test-server.ts';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight\n';
const rowsPerPiece = 1000;
const megabyte = 1_000_000;

const pieceOf = (piece: number): string =>
  Array.from({ length: rowsPerPiece }, (_, at) => {
    const pixel = piece * rowsPerPiece + at;
    return `${(32 + (pixel % 1000) / 100).toFixed(4)},-121.${String(pixel).padStart(7, '0')},328.4,0.39,0.36,2025-01-04,902,N,VIIRS,n,2.0NRT,298.2,4.53,D\n`;
  }).join('');

function* textOf(rows: number): Generator<string> {
  yield header;
  for (let piece = 0; piece * rowsPerPiece < rows; piece += 1) yield pieceOf(piece);
}

/** Rows of the large answer: 60 MB. */
const largeRows = 731_000;

const run = async (
  origin: string,
  aboveBytes: number,
): Promise<{ readonly rows: number; readonly heldBytes: number }> => {
  const child = fileURLToPath(new URL('./large-answer-child.ts', import.meta.url));
  const args = ['--expose-gc', child, origin, String(aboveBytes)];
  const { stdout } = await runCommand(process.execPath, args, { timeoutMs: 90_000 });
  return JSON.parse(stdout);
};

it('is little when it is used up, since it lies on the disk', async () => {
  await using server = await startTestServer((request, response) => {
    Readable.from(textOf(request.url?.includes('SNPP') === true ? largeRows : 12_000)).pipe(response);
  });
  const onDisk = await run(server.origin, 16 * 1024 * 1024);
  expect(onDisk.rows).toBe(largeRows);
  expect(onDisk.heldBytes).toBeLessThan(16 * megabyte);
  // What the measure says when it does lie in memory.
  const inMemory = await run(server.origin, Number.POSITIVE_INFINITY);
  expect(inMemory.rows).toBe(largeRows);
  expect(inMemory.heldBytes).toBeGreaterThan(55 * megabyte);
}, 200_000);
