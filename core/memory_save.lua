-- Keep the conversation unless what is kept stands at the same or a later log sequence.
local key, at, value, ttl = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local kept = redis.call('HGET', key, 'at')
if kept and tonumber(kept) >= at then
  return 0
end
redis.call('HSET', key, 'at', ARGV[1], 'value', value)
redis.call('EXPIRE', key, ttl)
return 1
