// Lua that chooses which waiting chunks make room for a newcomer under drop_oldest and drop_lowest.
// Only chooses: nothing is removed before it is certain that enough can be.

/** score of an index entry = class × this + admission number. */
export const classWidth = 2 ** 40;

/**
 * Most index entries that one call looks at. Chunks that may not go (held by a worker, or replays that are kept) can
 * stand in front of those that may, and a cap that was lowered can leave many thousand too many; without a limit they
 * would stop Redis for everybody.
 */
export const maxExamined = 4000;

/**
 * `choose_victims(index, chunk_prefix, job_prefix, class, mode, shortage, places)` → list of { id, records, class }, the
 * records that they free: at least `shortage`, or not enough is there; and nil. Or, when more would have to be looked at,
 * what was found so far and the places at which the next call goes on (`places`; empty: at the beginning). Victims are of the newcomer's class or lower, not held, not kept,
 * not claimed for the dead letters.
 */
export const chooseVictimsLua = `
-- A class's entries, oldest first, read by pages.
local function entries_of(index, class, from)
  local page, at = {}, 1
  local last = string.format('%.0f', (class + 1) * ${classWidth} - 1)
  local ended = false
  local stream = {}
  function stream.head()
    if at > #page and not ended then
      page = redis.call('ZRANGEBYSCORE', index, string.format('%.0f', from), last, 'WITHSCORES', 'LIMIT', 0, 100)
      at = 1
      ended = #page < 200
      if #page > 0 then from = tonumber(page[#page]) + 1 end
    end
    if at > #page then return nil end
    return page[at], tonumber(page[at + 1]) - class * ${classWidth}
  end
  function stream.skip() at = at + 2 end
  function stream.place() return at > #page and from or tonumber(page[at + 1]) end
  return stream
end

local function choose_victims(index, chunk_prefix, job_prefix, class, mode, shortage, places)
  local streams = {}
  for candidate = 4, class, -1 do
    local place = places[#streams + 1] or candidate * ${classWidth}
    streams[#streams + 1] = { class = candidate, entries = entries_of(index, candidate, place) }
  end
  local victims, freed = {}, 0
  for _ = 1, ${maxExamined} do
    local chosen, chosen_id, chosen_number
    for _, stream in ipairs(streams) do
      local id, number = stream.entries.head()
      if id and (not chosen or number < chosen_number) then
        chosen, chosen_id, chosen_number = stream, id, number
        -- The lowest class comes first in the list; only drop_oldest compares ages over the classes.
        if mode == 'drop_lowest' then break end
      end
    end
    if not chosen then return victims, freed, nil end
    chosen.entries.skip()
    local chunk = redis.call('HMGET', chunk_prefix .. chosen_id, 'rem', 'keep', 'burial')
    -- Held means that BullMQ's own lock exists: no mark of ours that could go stale. What is claimed for the dead letters
    -- may be letters already: gone as well, it would count as dropped.
    if chunk[1] and not chunk[2] and not chunk[3] and redis.call('EXISTS', job_prefix .. chosen_id .. ':lock') == 0 then
      local records = tonumber(chunk[1])
      victims[#victims + 1] = { id = chosen_id, records = records, class = chosen.class }
      freed = freed + records
      if freed >= shortage then return victims, freed, nil end
    end
  end
  local reached = {}
  for i, stream in ipairs(streams) do reached[i] = stream.entries.place() end
  return victims, freed, reached
end
`;
