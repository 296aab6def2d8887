-- Return the server's time and the value of each of KEYS: text, nil if the key does not exist, {error} if it can't be read.
local kept = {}
for place, key in ipairs(KEYS) do
    local value = redis.pcall("GET", key) -- MGET would return nil for a value of another type
    if type(value) == "table" then
        if not string.find(value.err, "WRONGTYPE") then
            return value -- of the server, not of the key
        end
        value = { value.err }
    end
    kept[place] = value
end
local time = redis.call("TIME")
return { time[1], time[2], kept }
