-- The sale will never be committed: the rest of each hold comes back, or the ticket is free.
-- KEYS: marks of the event, list of sales. ARGV: user, attempt, how long the marks are kept (ms), tickets…
-- Answer: holds that came back, tickets that are free now.
local event_key, sales_key = KEYS[1], KEYS[2]
local user, attempt, keep_ms = ARGV[1], ARGV[2], ARGV[3]
local now = now_ms()
local restored, freed = 0, 0
for i = 4, #ARGV do
  local ticket = ARGV[i]
  local mark = read_mark(event_key, ticket)
  redis.call('ZREM', sales_key, sale_name(event_key, user, attempt, ticket))
  -- The mark of another attempt stays.
  if mark.kind == 's' and mark.attempt == attempt then
    if mark.hold_ends > now then
      local answers = redis.call('GET', proof_key(ticket, user)) or '1'
      write_hold(event_key, ticket, user, mark.hold_ends, answers, mark.hold, mark.latest_end)
      redis.call('ZADD', user_key(event_key, user), 'XX', int(mark.hold_ends), ticket)
      restored = restored + 1
    else
      redis.call('DEL', lock_key(ticket), proof_key(ticket, user))
      redis.call('HDEL', event_key, ticket)
      redis.call('ZREM', user_key(event_key, user), ticket)
      freed = freed + 1
    end
  end
end
redis.call('PEXPIRE', event_key, keep_ms)
return {restored, freed}
