// Where the stack keeps things: the project's own data directory, never the user's home.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

type Env = Readonly<Record<string, string | undefined>>;

const projectRoot = fileURLToPath(new URL('../../../../', import.meta.url));

/** `STREAM_DATA_DIR` (relative to the working directory), else `.stream-manager` in the project. */
export const dataDirOf = (env: Env): string =>
  env['STREAM_DATA_DIR'] ? resolve(env['STREAM_DATA_DIR']) : join(projectRoot, '.stream-manager');

/**
 * Where downloads are kept: `STREAM_CACHE_DIR` (relative to the working directory), else `.stream-manager/cache` in the
 * project. All runs and tests share it, and `--fresh` leaves it alone.
 */
export const cacheDirOf = (env: Env): string =>
  env['STREAM_CACHE_DIR'] ? resolve(env['STREAM_CACHE_DIR']) : join(projectRoot, '.stream-manager', 'cache');
