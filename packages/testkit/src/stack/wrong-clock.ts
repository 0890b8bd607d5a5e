// A process whose wall clock is wrong: libfaketime (from PyPI, no root) is loaded before the C library. Only the wall
// clock is faked; timers and `performance.now()` go on as they are. Linux only.

import { findPython } from './find-programs.ts';
import { cacheDirOf } from './places.ts';
import type { Say } from './progress.ts';
import { libfaketimeFromPypi } from './pypi.ts';

/** The environment that shifts a process' clock by so many seconds (negative: into the past). Throws where it cannot be had. */
export const clockOffBy = async (
  seconds: number,
  context: { readonly env?: NodeJS.ProcessEnv; readonly say?: Say } = {},
): Promise<Readonly<Record<string, string>>> => {
  const { env = process.env, say = () => {} } = context;
  if (process.platform !== 'linux') throw new Error(`clocks cannot be faked on ${process.platform}`);
  const cacheDir = cacheDirOf(env);
  const python = await findPython(env);
  const library = await libfaketimeFromPypi({ cacheDir, env, say, python: python.found ? python.path : null });
  return {
    LD_PRELOAD: library,
    FAKETIME: `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
};
