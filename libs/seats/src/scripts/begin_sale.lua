-- Turns this user's live holds into a sale, which no expiry ends: all tickets or none.
-- KEYS: marks of the event, list of sales. ARGV: user, attempt, how long marks and locks are kept (ms), tickets…
-- Answer: 'begun', attempt | 'joined', attempt under way | 'refused', ticket, why.
local event_key, sales_key = KEYS[1], KEYS[2]
local user, attempt, keep_ms = ARGV[1], ARGV[2], ARGV[3]
local asked = #ARGV - 3
local now = now_ms()
local under_way, held = nil, 0

for i = 4, #ARGV do
  local ticket = ARGV[i]
  local mark = read_mark(event_key, ticket)
  if mark.kind == 'b' then
    return {'refused', ticket, 'booked'}
  end
  if mark.kind == 's' then
    if mark.user ~= user then
      return {'refused', ticket, 'not_held'}
    end
    -- An attempt is decided once for all its tickets, so only a call for exactly these tickets may join it.
    if mark.tickets ~= asked or (under_way and under_way ~= mark.attempt) then
      return {'refused', ticket, 'other_sale'}
    end
    under_way = mark.attempt
  else
    -- Both keys are needed: the lock names the owner of the ticket, and only the owner was ever given the proof.
    if redis.call('GET', lock_key(ticket)) ~= user or redis.call('EXISTS', proof_key(ticket, user)) == 0 then
      return {'refused', ticket, 'not_held'}
    end
    held = held + 1
  end
  if under_way and held > 0 then
    return {'refused', ticket, 'other_sale'}
  end
end

if under_way then
  return {'joined', under_way}
end
for i = 4, #ARGV do
  local ticket = ARGV[i]
  local ends = redis.call('PEXPIRETIME', lock_key(ticket))
  local mark = read_mark(event_key, ticket)
  ends = math.max(ends, 0)
  redis.call('HSET', event_key, ticket,
    selling_mark(user, mark.hold or UNKNOWN, mark.latest_end or ends, attempt, ends, now, asked))
  redis.call('ZADD', user_key(event_key, user), 'XX', '+inf', ticket)
  redis.call('ZADD', sales_key, int(now), sale_name(event_key, user, attempt, ticket))
  redis.call('PEXPIRE', lock_key(ticket), keep_ms)
  redis.call('PEXPIRE', proof_key(ticket, user), keep_ms)
end
redis.call('PEXPIRE', event_key, keep_ms)
return {'begun', attempt}
