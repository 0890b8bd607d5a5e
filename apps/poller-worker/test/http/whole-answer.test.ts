import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@stream-manager/testkit/stack/run-command';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepWhole, type WholeAnswer } from '../../src/http/whole-answer.ts';

/** A directory of this test's own. */
const openDirectory = async () => {
  const path = await mkdtemp(join(tmpdir(), 'stream-manager-spool-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = async (answer: WholeAnswer): Promise<Buffer> => {
  const blocks: Buffer[] = [];
  // A block holds until the next one is asked for.
  for await (const block of answer.blocks()) blocks.push(Buffer.from(block));
  return Buffer.concat(blocks);
};

const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) % 256));

const block = 65_536;

describe('a whole answer', () => {
  it('has the bytes that came, as often as it is read, in memory and on the disk', async () => {
    await using directory = await openDirectory();
    const lengths = fc.oneof(
      fc.nat(4 * block),
      fc.constantFrom(0, 1, block - 1, block, block + 1, 2 * block, 2 * block + 1, 3 * block),
    );
    const all = bytesOf(4 * block);
    await fc.assert(
      fc.asyncProperty(
        lengths,
        fc.integer({ min: 1000, max: 150_000 }),
        fc.nat(3 * block),
        async (length, size, above) => {
          const bytes = all.subarray(0, length);
          const answer = await keepWhole(inPieces(bytes, size), { aboveBytes: above, directory: directory.path });
          expect((await read(answer)).equals(bytes)).toBe(true);
          expect((await read(answer)).equals(bytes)).toBe(true);
          expect(answer.beginning.equals(bytes.subarray(0, block))).toBe(true);
          await answer.close();
          await answer.close();
        },
      ),
      { numRuns: 60 },
    );
    expect(await readdir(directory.path)).toEqual([]);
  });

  it('that is large lies in a file without a name, which only its owner can read', async () => {
    await using directory = await openDirectory();
    const bytes = bytesOf(3 * block);
    const answer = await keepWhole(inPieces(bytes, 1000), { aboveBytes: block, directory: directory.path });
    expect(await readdir(directory.path)).toEqual([]);
    const names = await Promise.all(
      (await readdir('/proc/self/fd')).map(async (fd) => ({
        fd: `/proc/self/fd/${fd}`,
        // The descriptor of the listing itself is gone by now.
        name: await readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      })),
    );
    const spools = names.filter(({ name }) => name.startsWith(directory.path));
    expect(spools.map(({ name }) => name)).toEqual([expect.stringContaining('(deleted)')]);
    const { mode, size } = await stat(spools[0]!.fd);
    expect([mode & 0o777, size]).toEqual([0o600, bytes.length]);
    expect((await read(answer)).equals(bytes)).toBe(true);
    await answer.close();
    await expect(read(answer)).rejects.toMatchObject({ code: 'spool_failed' });
  });

  it('whose body fails leaves nothing behind', async () => {
    await using directory = await openDirectory();
    const broken = async function* () {
      yield bytesOf(3 * block);
      throw new Error('cut off');
    };
    await expect(keepWhole(broken(), { aboveBytes: block, directory: directory.path })).rejects.toThrow('cut off');
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    expect(open.filter((name) => name.startsWith(directory.path))).toEqual([]);
  });

  it('that finds no directory is one error that says what to do', async () => {
    const keeping = keepWhole(inPieces(bytesOf(3 * block), 1000), { aboveBytes: block, directory: '/no/such/place' });
    await expect(keeping).rejects.toMatchObject({
      code: 'spool_failed',
      message: expect.stringMatching(/in \/no\/such\/place, which failed \(ENOENT.*set TMPDIR/),
    });
  });

  it('that finds the disk full is one error too, and leaves nothing behind', async () => {
    await using directory = await openDirectory();
    const child = fileURLToPath(new URL('./spool-child.ts', import.meta.url));
    // No file of the child may grow beyond 500 KB: its writes fail as on a full disk.
    const limited = `ulimit -f 500; exec '${process.execPath}' '${child}' '${directory.path}'`;
    const { stdout } = await runCommand('sh', ['-c', limited], { timeoutMs: 30_000 });
    expect(JSON.parse(stdout)).toEqual({
      code: 'spool_failed',
      message: expect.stringContaining('make room there'),
      left: [],
    });
  }, 40_000);
});
