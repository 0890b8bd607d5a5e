// Classifies ids before a poll's answer is cut into chunks. Touches what is known (it stays known for another window),
// never remembers what is new: a poller that dies after a look-up has changed nothing.
import { luaScript } from '../script-runner.ts';
import { classifyLua, generationsLua, idBytes } from './seen-ids.ts';

/**
 * KEYS: seen, seen:0, seen:1. ARGV: window in ms, most ids of a generation, 1 = ignore corrections, ids, hashes.
 * Answers one digit per id: 0 new, 1 known, 2 correction.
 */
export const lookupScript = luaScript(`
${generationsLua}
${classifyLua}
local current, previous = open_generations(KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2]))
return table.concat(classify(current, previous, split(ARGV[4], ${idBytes}), ARGV[5], ARGV[3] == '1'))
`);
