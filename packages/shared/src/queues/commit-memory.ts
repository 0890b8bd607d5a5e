// When the commits of consumer groups moved last, kept for whoever samples lag next: one value of the fleet, written about
// once a minute, gone two days after the last write. Its loss costs a day in which an abandoned group counts again.
import type { Redis } from 'ioredis';
import type { RememberedCommit } from '../lag/abandoned-groups.ts';
import { fleetKeys } from './keys.ts';
import { luaScript, runScript } from './script-runner.ts';

/** Keeps what a `CommitWatch` remembers. Calls reject with what Redis answered. */
export interface CommitMemory {
  /** Nothing kept, or nothing readable: an empty list. */
  load(): Promise<readonly RememberedCommit[]>;
  save(commits: readonly RememberedCommit[]): Promise<void>;
}

// A delete first: Redis lets a script pass at maxmemory if it begins with one, and lag is followed while it is drained.
const keepScript = luaScript(`
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
`);

/** Time after the last write until it is forgotten, in seconds. */
const keptSeconds = 172_800;

/** Creates the memory on a shared connection. */
export const createCommitMemory = (deps: { readonly redis: Redis; readonly keyPrefix: string }): CommitMemory => {
  const key = fleetKeys(deps.keyPrefix).commits;
  return {
    load: async () => readCommits(await deps.redis.get(key)),
    save: async (commits) => {
      const rows = commits.map(({ group, topic, committed, movedAt }) => [group, topic, committed, movedAt]);
      await runScript(deps.redis, keepScript, [key], [JSON.stringify(rows), keptSeconds]);
    },
  };
};

/** Reads what `save` wrote; rows of another form (another version's) are passed over. Pure. */
export const readCommits = (json: string | null): readonly RememberedCommit[] => {
  let rows: unknown;
  try {
    rows = JSON.parse(json ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown): readonly RememberedCommit[] => {
    if (!Array.isArray(row)) return [];
    // Of what the rows consist is looked at here.
    const [group, topic, committed, movedAt] = row as readonly unknown[];
    const isRow = typeof group === 'string' && typeof topic === 'string' && typeof movedAt === 'number';
    if (!isRow || typeof committed !== 'string' || !/^\d+$/.test(committed)) return [];
    return [{ group, topic, committed, movedAt }];
  });
};
