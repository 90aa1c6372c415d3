-- PostgreSQL says that these tickets are available: removes their `booked` marks.
-- KEYS: marks of the event. ARGV: the buyer, for whose cap they no longer count ('' when unknown), tickets…
local event_key, buyer = KEYS[1], ARGV[1]
local cleared = 0
for i = 2, #ARGV do
  local ticket = ARGV[i]
  if buyer ~= '' then
    redis.call('ZREM', user_key(event_key, buyer), ticket)
  end
  if read_mark(event_key, ticket).kind == 'b' then
    redis.call('HDEL', event_key, ticket)
    cleared = cleared + 1
  end
end
return cleared
