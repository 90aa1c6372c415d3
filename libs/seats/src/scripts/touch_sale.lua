-- Notes that the sale goes on: it becomes stale again only after its full time from now.
-- KEYS: marks of the event, list of sales. ARGV: user, attempt, (unused), tickets…
local event_key, sales_key = KEYS[1], KEYS[2]
local now = now_ms()
for i = 4, #ARGV do
  redis.call('ZADD', sales_key, 'XX', int(now), sale_name(event_key, ARGV[1], ARGV[2], ARGV[i]))
end
return #ARGV - 3
