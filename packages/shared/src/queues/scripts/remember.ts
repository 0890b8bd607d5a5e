// Remembers ids without a chunk: only after what they stand for is safe elsewhere, such as an invalid row whose letter
// has been added. The other way round a crash between the two would lose it.
import { luaScript } from '../script-runner.ts';
import { classifyLua, generationsLua, hashBytes, idBytes } from './seen-ids.ts';

/** KEYS: seen, seen:0, seen:1. ARGV: ids, hashes. Answers how many ids it remembered. */
export const rememberScript = luaScript(`
${generationsLua}
${classifyLua}
local ids, hashes, pairs = split(ARGV[1], ${idBytes}), split(ARGV[2], ${hashBytes}), {}
for i = 1, #ids do
  pairs[i * 2 - 1], pairs[i * 2] = ids[i], hashes[i]
end
redis.call('HSET', remembering_generation(KEYS[1], KEYS[2], KEYS[3]), unpack(pairs))
return #ids
`);
