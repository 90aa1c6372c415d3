-- Holds all tickets asked for, or none. The owner's repeat succeeds and prolongs nothing.
-- KEYS: marks of the event, list of sales. ARGV: user, length of a hold (ms), how long the marks are kept (ms), tickets…
-- Answer: 'refused', ticket, why | 'held', then for each ticket: new (1 or 0), ms left, answers to reserve so far.
local event_key, sales_key = KEYS[1], KEYS[2]
local user, hold_ms, keep_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local now = now_ms()
local marks, owned_until = {}, {}

for i = 4, #ARGV do
  local ticket = ARGV[i]
  local mark = read_mark(event_key, ticket)
  marks[ticket] = mark
  if mark.kind == 'b' then
    return {'refused', ticket, 'booked'}
  end
  if mark.kind == 's' then
    if mark.user ~= user then
      if now - mark.began > LOST_SALE_MS then
        redis.call('ZADD', sales_key, 'NX', int(mark.began), sale_name(event_key, mark.user, mark.attempt, ticket))
      end
      return {'refused', ticket, 'selling'}
    end
    owned_until[ticket] = mark.hold_ends
  else
    local owner = redis.call('GET', lock_key(ticket))
    if owner and owner ~= user then
      return {'refused', ticket, 'held'}
    end
    if owner then
      local ends = redis.call('PEXPIRETIME', lock_key(ticket))
      -- A lock without an end was not written here; as a hold it gets one.
      owned_until[ticket] = ends > 0 and ends or nil
    end
  end
end

local answer = {'held'}
for i = 4, #ARGV do
  local ticket = ARGV[i]
  local ends = owned_until[ticket]
  local answers = 1
  if not ends then
    ends = now + hold_ms
    write_hold(event_key, ticket, user, ends, answers)
    redis.call('PEXPIRE', event_key, keep_ms)
  else
    answers = redis.call('INCR', proof_key(ticket, user))
    if marks[ticket].kind == 's' then
      redis.call('PEXPIRE', proof_key(ticket, user), keep_ms)
    elseif answers == 1 or marks[ticket].kind == '' then
      -- The proof or the mark was lost alone: the hold gets it back, with the end it had.
      write_hold(event_key, ticket, user, ends, answers)
      redis.call('PEXPIRE', event_key, keep_ms)
    end
  end
  table.insert(answer, owned_until[ticket] and '0' or '1')
  table.insert(answer, int(math.max(ends - now, 0)))
  table.insert(answer, int(answers))
end
return answer
