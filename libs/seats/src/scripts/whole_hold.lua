-- Put in front of the scripts about a whole hold.

-- The tickets that are still in the hold: held or being sold, under this hold's id. Nothing when the hold is another
-- user's, has run out, or was never there: a user must not learn that another user's hold exists.
local function read_hold(hold, user)
  local words = {}
  for word in string.gmatch(redis.call('GET', hold_key(hold)) or '', '[^ ]+') do
    words[#words + 1] = word
  end
  if words[2] ~= user then
    return nil
  end
  local found = {event_key = words[1], seats = {}, selling = false, lost = false}
  for i = 3, #words do
    local ticket = words[i]
    local mark = read_mark(found.event_key, ticket)
    local ends = mark.hold_ends
    if mark.kind == 'h' and redis.call('GET', lock_key(ticket)) == user then
      ends = redis.call('PEXPIRETIME', lock_key(ticket))
    end
    if mark.hold == hold and ends then
      table.insert(found.seats, {ticket = ticket, ends = ends, latest_end = mark.latest_end})
      found.selling = found.selling or mark.kind == 's'
    elseif mark.user ~= user then
      -- Another user has it, or it has run out. A ticket that the user took into another hold is not lost.
      found.lost = true
    end
  end
  return #found.seats > 0 and found or nil
end

-- The hold lasts until its first ticket is free again, and can be extended until its first ticket cannot be.
-- Answer: 'hold', key of the event's marks, ms left, ms until the latest end, being sold (1 or 0), a ticket was lost (1
-- or 0), tickets…
local function tell_hold(found, now)
  local ends, latest_end, tickets = math.huge, math.huge, {}
  for _, seat in ipairs(found.seats) do
    ends, latest_end = math.min(ends, seat.ends), math.min(latest_end, seat.latest_end)
    table.insert(tickets, seat.ticket)
  end
  return {'hold', found.event_key, int(math.max(ends - now, 0)), int(math.max(latest_end - now, 0)),
    found.selling and '1' or '0', found.lost and '1' or '0', unpack(tickets)}
end

