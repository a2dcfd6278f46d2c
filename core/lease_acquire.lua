-- A lease is a hash: holder, until (ms), waiting, note, strikes, place, begun. Returns {1, strikes, place, note or nil}, or
-- nothing when it is taken. A note is handed out once: whoever acquires again, a crash between, must look at the sink.
local key, holder, ttl, remembered = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', key, 'holder', 'until', 'note', 'strikes', 'ttl', 'place', 'begun')
local other = state[1] and state[1] ~= holder
if other and tonumber(state[2]) > now then
  local latest = now + tonumber(state[5])
  redis.call('HSET', key, 'waiting', '1', 'until', math.min(tonumber(state[2]), latest))
  return false
end
local note, strikes = state[3], tonumber(state[4] or '0')
if other then
  strikes = math.max(strikes + (state[7] and 1 or 0), 1)
end
redis.call('HDEL', key, 'note', 'begun')
redis.call('HSET', key, 'holder', holder, 'until', now + ttl, 'ttl', ttl, 'strikes', strikes)
redis.call('EXPIRE', key, remembered)
return {1, strikes, tonumber(state[6] or '0'), note}
