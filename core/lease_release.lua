-- Returns 0 when someone waits (the mark is taken, the lease stays), else 1.
local key, holder, note, remembered = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local state = redis.call('HMGET', key, 'holder', 'waiting')
if state[1] ~= holder then
  return 1
end
if state[2] then
  redis.call('HDEL', key, 'waiting')
  return 0
end
redis.call('DEL', key)
redis.call('HSET', key, 'note', note)
redis.call('EXPIRE', key, remembered)
return 1
