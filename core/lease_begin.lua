-- What the holder works on now, and how many may have died over it before.
local key, holder, place, strikes = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', key, 'holder') == holder then
  redis.call('HSET', key, 'place', place, 'strikes', strikes, 'begun', '1')
end
return 1
