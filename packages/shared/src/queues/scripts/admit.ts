// Admits one chunk: dedupe, room, store and remember in one step. Nothing is remembered that is not stored (or counted
// as dropped), so a poller killed at any instant loses nothing; nothing is stored that was remembered, so two
// overlapping polls make no double.
import { luaScript } from '../script-runner.ts';
import { chooseVictimsLua, classWidth } from './eviction.ts';
import { classifyLua, generationsLua, hashBytes, idBytes } from './seen-ids.ts';

/**
 * KEYS: chunk, index, count, dropped, seen, seen:0, seen:1, dropped-chunks.
 * ARGV: chunk id, class, overflow mode, cap, critical reserve, window in ms, most ids of a generation,
 * 1 = ignore corrections, 1 = keep, meta, chunk key prefix, job key prefix, ids, hashes, payload, 1 = keep what is
 * dropped, dropped chunk key prefix, places (empty, or what the call before answered, with commas).
 *
 * Answers { already } · { known, known } · { full, known, total } · { rejected, records, known } ·
 * { dropped, records, known, 1 = kept } · { stored, records, known, { id, records, class, 1 = kept, … of the evicted } } ·
 * { making_room, { … of the evicted }, places }: far more lies there than may (the cap was lowered), a part of that is
 * evicted now, and the same call with these places goes on.
 *
 * The first write of every branch is one that a Redis at `maxmemory` refuses: a refused admit has changed nothing.
 */
export const admitScript = luaScript(`
${generationsLua}
${classifyLua}
${chooseVictimsLua}
-- One bit per record, the first record in the highest bit of the first byte.
local function bits_of(sighting, wanted)
  local bytes = {}
  for first = 1, #sighting, 8 do
    local byte = 0
    for i = first, first + 7 do
      byte = byte * 2
      if sighting[i] == wanted then byte = byte + 1 end
    end
    bytes[#bytes + 1] = string.char(byte)
  end
  return table.concat(bytes)
end

local chunk, index, count, dropped = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local chunk_id, class, mode = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local chunk_prefix, job_prefix = ARGV[11], ARGV[12]

-- A client that lost the answer sends the call again.
if redis.call('EXISTS', chunk) == 1 then return { 'already' } end

local current, previous = open_generations(KEYS[5], KEYS[6], KEYS[7], tonumber(ARGV[6]), tonumber(ARGV[7]))
local ids = split(ARGV[13], ${idBytes})
local sighting = classify(current, previous, ids, ARGV[14], ARGV[8] == '1')

-- Backwards, because of two rows with one id in one chunk the last wins; the earlier ones are done.
local fresh, length, taken, corrections = {}, 0, {}, 0
for i = #ids, 1, -1 do
  if taken[ids[i]] then
    sighting[i] = 1
  elseif sighting[i] ~= 1 then
    fresh[length + 1] = ids[i]
    fresh[length + 2] = string.sub(ARGV[14], i * ${hashBytes} - ${hashBytes - 1}, i * ${hashBytes})
    length = length + 2
    if sighting[i] == 2 then corrections = corrections + 1 end
  end
  taken[ids[i]] = true
end
local records = length / 2
local known = #ids - records
if records == 0 then return { 'known', known } end

local total = tonumber(redis.call('HGET', count, 'total') or 0)
local limit = tonumber(ARGV[4])
-- The reserve is open to critical records only, also when others are evicted: a newcomer has to fit under its own limit.
if class > 1 then limit = limit - tonumber(ARGV[5]) end
local shortage = total + records - limit

-- Kept is what becomes dead letters: outside the cap, but no more records of it than the cap allows. It is set aside in
-- this call, so that whoever is killed after it loses nothing; whoever comes makes the letters.
local function set_aside(id, why)
  redis.call('HSET', ARGV[17] .. id, 'why', why, 'mode', mode)
  redis.call('ZADD', KEYS[8], clock(), id)
end
local keeps = ARGV[16] == '1'
local function may_keep(number)
  if not keeps then return false end
  if tonumber(redis.call('HGET', count, 'kept') or 0) + number > tonumber(ARGV[4]) then return false end
  redis.call('HINCRBY', count, 'kept', number)
  return true
end
local function store(key)
  redis.call('HSET', key, 'v', ARGV[15], 'n', #ids, 'rem', records, 'p', class, 'at', clock(), 'meta', ARGV[10])
  if known > 0 then redis.call('HSET', key, 'bits', bits_of(sighting, 1)) end
  if corrections > 0 then redis.call('HSET', key, 'corr', bits_of(sighting, 2)) end
end

local function evict(victims)
  local evicted, keys, members, freed = {}, {}, {}, {}
  for i, victim in ipairs(victims) do
    members[i] = victim.id
    freed[victim.class] = (freed[victim.class] or 0) + victim.records
    local kept = 0
    if may_keep(victim.records) then
      redis.call('RENAME', chunk_prefix .. victim.id, ARGV[17] .. victim.id)
      set_aside(victim.id, 'evicted')
      kept = 1
    else
      keys[#keys + 1] = chunk_prefix .. victim.id
    end
    local place = i * 4
    evicted[place - 3], evicted[place - 2] = victim.id, victim.records
    evicted[place - 1], evicted[place] = victim.class, kept
  end
  if #keys > 0 then redis.call('UNLINK', unpack(keys)) end
  if #members > 0 then redis.call('ZREM', index, unpack(members)) end
  for victim_class, victim_records in pairs(freed) do
    redis.call('HINCRBY', count, 'total', -victim_records)
    redis.call('HINCRBY', count, victim_class, -victim_records)
    redis.call('HINCRBY', dropped, victim_class .. ':evicted', victim_records)
  end
  return evicted
end

local victims = {}
if shortage > 0 then
  if mode == 'backpressure' then return { 'full', known, total } end
  if mode == 'reject' then
    redis.call('HINCRBY', dropped, class .. ':rejected', records)
    return { 'rejected', records, known }
  end
  local evictable = 0
  for candidate = class, 4 do
    evictable = evictable + tonumber(redis.call('HGET', count, candidate) or 0)
  end
  local freed, reached = 0, nil
  if evictable >= shortage then
    local places = {}
    for place in string.gmatch(ARGV[18], '%d+') do places[#places + 1] = tonumber(place) end
    victims, freed, reached = choose_victims(index, chunk_prefix, job_prefix, class, mode, shortage, places)
  end
  local excess = total - limit
  if freed < shortage and reached and excess > 0 then
    -- What is beyond the limit has to go whatever becomes of the newcomer; nobody goes for the newcomer's own part before
    -- it is certain that enough can.
    while #victims > 0 and freed - victims[#victims].records >= excess do
      freed = freed - victims[#victims].records
      victims[#victims] = nil
      -- These are the first to be looked at.
      reached = {}
    end
    -- As below: a write that a full Redis refuses, before any that it lets pass.
    redis.call('HINCRBY', count, 'seq', 1)
    return { 'making_room', evict(victims), reached }
  end
  if freed < shortage then
    -- Remembered, so that it is dropped and counted once and not again at every poll.
    redis.call('HSET', current, unpack(fresh))
    redis.call('HINCRBY', dropped, class .. ':no_room', records)
    if not may_keep(records) then return { 'dropped', records, known, 0 } end
    store(ARGV[17] .. chunk_id)
    set_aside(chunk_id, 'no_room')
    return { 'dropped', records, known, 1 }
  end
end

local number = redis.call('HINCRBY', count, 'seq', 1)
local evicted = evict(victims)
store(chunk)
if ARGV[9] == '1' then redis.call('HSET', chunk, 'keep', '1') end
redis.call('ZADD', index, string.format('%.0f', class * ${classWidth} + number), chunk_id)
redis.call('HINCRBY', count, 'total', records)
redis.call('HINCRBY', count, class, records)
redis.call('HSET', current, unpack(fresh))
return { 'stored', records, known, evicted }
`);
