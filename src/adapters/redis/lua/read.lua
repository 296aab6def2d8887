-- Give the server's time, and what is kept under each of KEYS: text, nil for nothing, or {error} for what can't be read.
local kept = {}
for place, key in ipairs(KEYS) do
    local value = redis.pcall("GET", key) -- not MGET, which gives nil for a value of another type
    if type(value) == "table" then
        value = { value.err }
    end
    kept[place] = value
end
local time = redis.call("TIME")
return { time[1], time[2], kept }
