-- Swap the text under KEYS[1] for ARGV[2] if it is ARGV[1] ('' where nothing is kept).
-- Give the server's time, 1 or 0 for whether it was swapped, and what is kept if it was not.
--
-- ARGV[3] is the name of this one swap. KEYS[2] remembers the last names, so that a client which lost the answer may send
-- the same again: it is made once, and the answer is the same, whatever others have swapped since. The text alone can't
-- tell, since two clients may well want to put the same.
local REMEMBERED = 64

local kept = redis.pcall("GET", KEYS[1])
if type(kept) == "table" then
    kept = { kept.err }
end

local swapped = 0
if kept == ARGV[1] and kept ~= "" or kept == false and ARGV[1] == "" then
    redis.call("LLEN", KEYS[2]) -- which fails, before anything is written, if the key holds something else
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
