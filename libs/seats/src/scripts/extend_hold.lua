-- Starts the length of a hold again, up to its lifetime.
-- ARGV: hold, user, length of a hold (ms), how long the marks are kept (ms).
-- Answer: 'gone' | 'selling' | 'limit': it cannot be extended | as tell_hold says.
local hold, user, hold_ms, keep_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = now_ms()
local found = read_hold(hold, user)
if not found then
  return {'gone'}
end
if found.selling then
  return {'selling'}
end

local last_end, longer = 0, false
for _, seat in ipairs(found.seats) do
  local ends = math.min(now + hold_ms, seat.latest_end)
  if ends > seat.ends then
    local ticket, answers = seat.ticket, redis.call('GET', proof_key(seat.ticket, user)) or '1'
    write_hold(found.event_key, ticket, user, ends, answers, hold, seat.latest_end)
    redis.call('ZADD', user_key(found.event_key, user), 'XX', int(ends), ticket)
    seat.ends, longer = ends, true
  end
  last_end = math.max(last_end, seat.ends)
end
if not longer then
  return {'limit'}
end
redis.call('PEXPIREAT', hold_key(hold), int(last_end))
redis.call('PEXPIRE', found.event_key, keep_ms)
return tell_hold(found, now)
