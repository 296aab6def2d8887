-- Replace the text under KEYS[1] by ARGV[2] if it is ARGV[1] ('' if the key does not exist).
-- Return the server's time, 1 if it was replaced or else 0, and the text that is kept if it was not.
--
-- ARGV[3] is the id of this swap. KEYS[2] remembers the last ids, so that a client that lost the answer may send the swap
-- again: it is applied once, with the same answer. The text alone can't tell: two clients may write the same text.
local REMEMBERED = 64

local kept = redis.pcall("GET", KEYS[1])
if type(kept) == "table" then
    if not string.find(kept.err, "WRONGTYPE") then
        return kept -- of the server, not of the key
    end
    kept = { kept.err }
end

local swapped = 0
if kept == ARGV[1] and kept ~= "" or kept == false and ARGV[1] == "" then
    redis.call("LLEN", KEYS[2]) -- fails before a write if the key holds another type
    redis.call("SET", KEYS[1], ARGV[2])
    redis.call("LPUSH", KEYS[2], ARGV[3])
    redis.call("LTRIM", KEYS[2], 0, REMEMBERED - 1)
    swapped = 1
else
    for _, name in ipairs(redis.call("LRANGE", KEYS[2], 0, -1)) do
        if name == ARGV[3] then
            swapped = 1
        end
    end
end

local time = redis.call("TIME")
return { time[1], time[2], swapped, swapped == 0 and kept }
