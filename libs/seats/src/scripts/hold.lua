-- Holds all tickets asked for, or none. The owner's repeat succeeds and does not prolong the hold.
-- KEYS: marks of the event, list of sales. ARGV: user, id for a new hold, length of a hold (ms), its lifetime (ms), how
-- many tickets of the event the user may have (0: any number), how long the marks are kept (ms), tickets…
-- Answer: 'refused', ticket, why, its owner ('' without one) | 'held', hold, number of tickets that count for the cap,
-- these tickets…, then for each ticket asked: new (1 or 0), ms left, answers to reserve so far.
local event_key, sales_key = KEYS[1], KEYS[2]
local user, new_hold, hold_ms, life_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local cap, keep_ms = tonumber(ARGV[5]), ARGV[6]
local first = 7
local now = now_ms()
local marks, owned_until = {}, {}
local free, a_free_one, hold_of_all = 0, nil, nil

for i = first, #ARGV do
  local ticket = ARGV[i]
  local mark = read_mark(event_key, ticket)
  marks[ticket] = mark
  if mark.kind == 'b' then
    return {'refused', ticket, 'booked', ''}
  end
  if mark.kind == 's' then
    if mark.user ~= user then
      if now - mark.began > LOST_SALE_MS then
        redis.call('ZADD', sales_key, 'NX', int(mark.began), sale_name(event_key, mark.user, mark.attempt, ticket))
      end
      return {'refused', ticket, 'selling', mark.user}
    end
    owned_until[ticket] = mark.hold_ends
  else
    local owner = redis.call('GET', lock_key(ticket))
    if owner and owner ~= user then
      return {'refused', ticket, 'held', owner}
    end
    if owner then
      local ends = redis.call('PEXPIRETIME', lock_key(ticket))
      -- A lock without an end was not written by these scripts; as a hold it gets an end.
      owned_until[ticket] = ends > 0 and ends or nil
    end
  end
  if owned_until[ticket] then
    local its_hold = mark.hold or UNKNOWN
    hold_of_all = (hold_of_all == nil or hold_of_all == its_hold) and its_hold or UNKNOWN
  else
    free, a_free_one = free + 1, a_free_one or ticket
  end
end

local counted_key = user_key(event_key, user)
if cap > 0 and free > 0 and redis.call('ZCOUNT', counted_key, '(' .. int(now), '+inf') + free > cap then
  return {'refused', a_free_one, 'limit', ''}
end

-- If all tickets belong to one hold, they stay in it, unless that hold has lost others. Otherwise all tickets asked for
-- become one hold, and each keeps its end.
local hold = new_hold
if free == 0 and hold_of_all ~= UNKNOWN then
  local found = read_hold(hold_of_all, user)
  hold = found and not found.lost and hold_of_all or new_hold
end
local details, last_end = {}, 0
for i = first, #ARGV do
  local ticket = ARGV[i]
  local mark, ends, answers = marks[ticket], owned_until[ticket], 1
  if not ends then
    ends = now + hold_ms
    write_hold(event_key, ticket, user, ends, answers, hold, now + life_ms)
  else
    answers = redis.call('INCR', proof_key(ticket, user))
    if mark.kind == 's' then
      redis.call('PEXPIRE', proof_key(ticket, user), keep_ms)
    elseif answers == 1 or mark.hold ~= hold then
      -- The proof or the mark was lost alone, or the ticket comes from another hold. The end stays the same.
      write_hold(event_key, ticket, user, ends, answers, hold, mark.latest_end or ends)
    end
  end
  last_end = math.max(last_end, ends)
  if cap > 0 then
    redis.call('ZADD', counted_key, mark.kind == 's' and '+inf' or int(ends), ticket)
  end
  table.insert(details, owned_until[ticket] and '0' or '1')
  table.insert(details, int(math.max(ends - now, 0)))
  table.insert(details, int(answers))
end
if hold == new_hold then
  redis.call('SET', hold_key(hold), table.concat({event_key, user, unpack(ARGV, first)}, ' '), 'PXAT', int(last_end))
end
redis.call('PEXPIRE', event_key, keep_ms)

local answer = {'held', hold, '0'}
if cap > 0 then
  redis.call('ZREMRANGEBYSCORE', counted_key, '-inf', int(now))
  redis.call('PEXPIRE', counted_key, keep_ms)
  local counted = redis.call('ZRANGE', counted_key, 0, -1)
  answer[3] = int(#counted)
  for _, ticket in ipairs(counted) do
    table.insert(answer, ticket)
  end
end
for _, detail in ipairs(details) do
  table.insert(answer, detail)
end
return answer
