// Lua shared by the scripts that know the seen ids: look-up, admit and remember.
// Ids are kept in two hashes (id → content hash), each of which lasts one *whole* window: rotating at half of it would
// forget an id after half the promised time. They rotate only inside look-up and admit, at most once a call, so that
// silence forgets nothing: after a week without a poll the first answer still meets every id of the last one.

/** Bytes of a record id. */
export const idBytes = 16;
/** Bytes of a content hash. */
export const hashBytes = 8;

/**
 * `open_generations(seen, zero, one, window, max_ids)` → current key, previous key; rotates if it is due.
 * `remembering_generation(seen, zero, one)` → current key; never rotates.
 */
export const generationsLua = `
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function open_generations(seen, zero, one, window, max_ids)
  local now = clock()
  local state = redis.call('HMGET', seen, 'cur', 'at')
  if not state[1] then
    redis.call('HSET', seen, 'cur', '0', 'at', now)
    return zero, one
  end
  local current, previous, other = zero, one, '1'
  if state[1] == '1' then current, previous, other = one, zero, '0' end
  local due = now - tonumber(state[2]) >= window
  -- Bounded memory goes before the promised window: a generation that is full makes way early, and it is counted.
  local early = not due and redis.call('HLEN', current) >= max_ids
  if not due and not early then return current, previous end
  -- The first write must be one that a full Redis refuses: behind a delete it would let the whole admit pass.
  redis.call('HSET', seen, 'cur', other, 'at', now)
  if early then redis.call('HINCRBY', seen, 'early', 1) end
  redis.call('UNLINK', previous)
  return previous, current
end

local function remembering_generation(seen, zero, one)
  local current = redis.call('HGET', seen, 'cur')
  if not current then
    redis.call('HSET', seen, 'cur', '0', 'at', clock())
    return zero
  end
  if current == '1' then return one end
  return zero
end
`;

/**
 * `split(bytes, width)` → the parts of a concatenation.
 * `classify(current, previous, ids, hashes, ignore_corrections)` → list of 0 new, 1 known, 2 correction.
 */
export const classifyLua = `
local function split(bytes, width)
  local parts, count = {}, #bytes / width
  for i = 1, count do parts[i] = string.sub(bytes, (i - 1) * width + 1, i * width) end
  return parts
end

local function classify(current, previous, ids, hashes, ignore_corrections)
  local known = redis.call('HMGET', current, unpack(ids))
  local absent, place, absences = {}, {}, 0
  for i = 1, #ids do
    if not known[i] then
      absences = absences + 1
      absent[absences], place[absences] = ids[i], i
    end
  end
  if absences > 0 and redis.call('EXISTS', previous) == 1 then
    local older = redis.call('HMGET', previous, unpack(absent))
    local touched, length = {}, 0
    for i = 1, absences do
      if older[i] then
        known[place[i]] = older[i]
        touched[length + 1], touched[length + 2] = absent[i], older[i]
        length = length + 2
      end
    end
    -- A correction is touched with its old hash: should it find no room now, it must still be a correction later.
    if length > 0 then redis.call('HSET', current, unpack(touched)) end
  end
  local sighting = {}
  for i = 1, #ids do
    if not known[i] then
      sighting[i] = 0
    elseif ignore_corrections or known[i] == string.sub(hashes, i * ${hashBytes} - ${hashBytes - 1}, i * ${hashBytes}) then
      sighting[i] = 1
    else
      sighting[i] = 2
    end
  end
  return sighting
end
`;
