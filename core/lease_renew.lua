-- Returns -1 when the lease is lost, else whether someone waits. One that ran out is its holder's until another takes it: the
-- clock may have been set.
local key, holder, ttl, remembered = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', key, 'holder', 'waiting')
if state[1] ~= holder then
  return -1
end
redis.call('HSET', key, 'until', now + ttl, 'ttl', ttl)
redis.call('EXPIRE', key, remembered)
return state[2] and 1 or 0
