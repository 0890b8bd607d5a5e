import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimDirectory, ownerOf } from '../../src/stack/claim-directory.ts';
import { isAlive, markProcess } from '../../src/stack/process-identity.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The mark of a process that has ended. */
const deadMark = async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const mark = await markProcess(child.pid!);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return mark!;
};

describe('claimDirectory', () => {
  it('refuses a second claim and names the owner, until the first is released', async () => {
    await using directory = await temporaryDirectory();
    const claim = await claimDirectory(directory.path);
    await expect(claimDirectory(directory.path)).rejects.toMatchObject({
      code: 'in_use',
      exitCode: 2,
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await claim.release();
    await claim.release();
    await (await claimDirectory(directory.path)).release();
    expect(await readdir(directory.path)).toEqual([]);
  });

  it.each([
    { name: 'whose owner is dead', content: async () => JSON.stringify(await deadMark()) },
    {
      name: 'whose process id was given to another process',
      content: async () => JSON.stringify({ pid: process.pid, startedAt: 'another time' }),
    },
    { name: 'that was cut off while it was written', content: async () => '{"pid": 1' },
  ])('takes a directory $name', async ({ content }) => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'owner-1'), await content());
    expect(await ownerOf(directory.path)).toBe(null);
    const claim = await claimDirectory(directory.path);
    expect(await ownerOf(directory.path)).toMatchObject({ pid: process.pid });
    await claim.release();
  });

  it('lets at most one of many starts through when the old owner is dead', async () => {
    await using directory = await temporaryDirectory();
    for (let round = 0; round < 3; round += 1) {
      await writeFile(join(directory.path, 'owner-1'), JSON.stringify(await deadMark()));
      const results = await Promise.allSettled(Array.from({ length: 8 }, async () => claimDirectory(directory.path)));
      const claims = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
      expect(claims.length).toBeLessThanOrEqual(1);
      await claims[0]?.release();
      await (await claimDirectory(directory.path)).release();
      expect(await readdir(directory.path)).toEqual([]);
    }
  });

  it('releases its own claim only', async () => {
    await using directory = await temporaryDirectory();
    const first = await claimDirectory(directory.path);
    await first.release();
    const second = await claimDirectory(directory.path);
    await first.release();
    expect(await ownerOf(directory.path)).toMatchObject({ pid: process.pid });
    await second.release();
  });
});

describe('markProcess', () => {
  it('tells a process that runs from one that has ended', async () => {
    const own = await markProcess(process.pid);
    expect(await isAlive(own!)).toBe(true);
    expect(await isAlive(await deadMark())).toBe(false);
  });
});
