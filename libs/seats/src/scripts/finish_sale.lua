-- The sale is committed in PostgreSQL: marks the tickets as booked, whatever their marks say, and ends every hold on
-- them.
-- KEYS: marks of the event, list of sales. ARGV: user, attempt, how long the marks are kept (ms), tickets…
local event_key, sales_key = KEYS[1], KEYS[2]
local user, attempt, keep_ms = ARGV[1], ARGV[2], ARGV[3]
for i = 4, #ARGV do
  local ticket = ARGV[i]
  local owner = redis.call('GET', lock_key(ticket)) or user
  redis.call('DEL', lock_key(ticket), proof_key(ticket, owner), proof_key(ticket, user))
  redis.call('HSET', event_key, ticket, BOOKED_MARK)
  redis.call('ZREM', sales_key, sale_name(event_key, user, attempt, ticket))
end
redis.call('PEXPIRE', event_key, keep_ms)
return #ARGV - 3
