-- Remove all pictures, and return how many there were.
-- KEYS: used, sizes, total, turn. ARGV: beginning of the keys of pictures.
local count = 0
for _, digest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  count = count + redis.call('DEL', ARGV[1] .. digest)
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return count
