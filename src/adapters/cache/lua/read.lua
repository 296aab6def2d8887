-- Return the head and the bytes of a picture, and count it as used. One that has expired leaves the lists.
-- KEYS: picture, used, sizes, total, turn. ARGV: digest.
local kept = redis.call('HMGET', KEYS[1], 'head', 'png')
if kept[1] and kept[2] then
  redis.call('ZADD', KEYS[2], 'XX', redis.call('INCR', KEYS[5]), ARGV[1])
  return kept
end
local size = redis.call('HGET', KEYS[3], ARGV[1])
if size then
  redis.call('DECRBY', KEYS[4], size)
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return false
