import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cached, isCached } from '../../src/stack/cache.ts';
import { temporaryDirectory } from './temporary-directory.ts';

it('fills an entry once', async () => {
  await using directory = await temporaryDirectory();
  let fills = 0;
  const fill = async (path: string): Promise<void> => {
    fills += 1;
    await writeFile(join(path, 'program'), 'bits');
  };
  const first = await cached(directory.path, 'thing-1', fill);
  const second = await cached(directory.path, 'thing-1', fill);
  expect([first, second]).toEqual([join(directory.path, 'thing-1'), join(directory.path, 'thing-1')]);
  expect(fills).toBe(1);
  expect(await readFile(join(first, 'program'), 'utf8')).toBe('bits');
});

it('leaves nothing of a download that failed', async () => {
  await using directory = await temporaryDirectory();
  const fill = async (path: string): Promise<void> => {
    await writeFile(join(path, 'half'), 'bi');
    throw new Error('the line was cut');
  };
  await expect(cached(directory.path, 'thing-1', fill)).rejects.toThrow('the line was cut');
  expect(await readdir(directory.path)).toEqual([]);
});

it('does not take what a killed run left for an entry, and removes it when it is old', async () => {
  await using directory = await temporaryDirectory();
  const left = join(directory.path, '.unfinished-thing-1-abc');
  const beingFilled = join(directory.path, '.unfinished-thing-1-def');
  await mkdir(left);
  await mkdir(beingFilled);
  const twoHoursAgo = new Date(Date.now() - 7_200_000);
  await utimes(left, twoHoursAgo, twoHoursAgo);
  expect(isCached(directory.path, 'thing-1')).toBe(false);
  await cached(directory.path, 'thing-1', async (path) => writeFile(join(path, 'program'), 'bits'));
  expect((await readdir(directory.path)).sort()).toEqual(['.unfinished-thing-1-def', 'thing-1']);
});

it('lets two fill the same entry at once: both get a whole one', async () => {
  await using directory = await temporaryDirectory();
  const bothFilling = Promise.withResolvers<void>();
  let filling = 0;
  const fill = async (path: string): Promise<void> => {
    await writeFile(join(path, 'program'), 'bits');
    filling += 1;
    if (filling === 2) bothFilling.resolve();
    await bothFilling.promise;
  };
  const paths = await Promise.all([cached(directory.path, 'thing-1', fill), cached(directory.path, 'thing-1', fill)]);
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(directory.path)).toEqual(['thing-1']);
  expect(await readFile(join(directory.path, 'thing-1', 'program'), 'utf8')).toBe('bits');
});
