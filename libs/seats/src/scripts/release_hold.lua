-- Releases all tickets of a hold.
-- ARGV: hold, user. Answer: 'gone' | 'selling' | as tell_hold says, about what was released.
local hold, user = ARGV[1], ARGV[2]
local found = read_hold(hold, user)
if not found then
  return {'gone'}
end
if found.selling then
  return {'selling'}
end
for _, seat in ipairs(found.seats) do
  local ticket = seat.ticket
  redis.call('DEL', lock_key(ticket), proof_key(ticket, user))
  redis.call('HDEL', found.event_key, ticket)
  redis.call('ZREM', user_key(found.event_key, user), ticket)
end
redis.call('DEL', hold_key(hold))
return tell_hold(found, now_ms())
