-- Keep a picture in place of an older one; the least recently used leave if all together are too large.
-- KEYS: picture, used, sizes, total, turn. ARGV: digest, head, bytes, most bytes, seconds, beginning of the keys of pictures.
local function forget(digest)
  local size = redis.call('HGET', KEYS[3], digest)
  if size then redis.call('DECRBY', KEYS[4], size) end
  redis.call('HDEL', KEYS[3], digest)
  redis.call('ZREM', KEYS[2], digest)
  redis.call('DEL', ARGV[6] .. digest)
end

local size, most = #ARGV[2] + #ARGV[3], tonumber(ARGV[4])
forget(ARGV[1])
if size > most then return 0 end
local total = tonumber(redis.call('GET', KEYS[4]) or '0')
while total + size > most do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not oldest then break end
  forget(oldest)
  total = tonumber(redis.call('GET', KEYS[4]) or '0')
end
redis.call('HSET', KEYS[1], 'head', ARGV[2], 'png', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[5]), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], size)
redis.call('INCRBY', KEYS[4], size)
return 1
