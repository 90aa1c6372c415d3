-- Put in front of every script: the names of keys and the form of marks, in one place.

-- When the entry of a sale that is older than this is missing from the list of sales, the next script that meets the
-- sale adds it again.
local LOST_SALE_MS = 60000

-- Stands for an unknown value: a field of a mark is never empty.
local UNKNOWN = '-'

-- Lua writes large numbers as 1.7e+12, which Redis would refuse.
local function int(number)
  return string.format('%.0f', number)
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function lock_key(ticket)
  return 'ticket_lock:' .. ticket
end

local function proof_key(ticket, user)
  return 'ticket_lock_user:' .. ticket .. ':' .. user
end

-- Content: <key of the event's marks> <user> <ticket> <ticket> …
local function hold_key(hold)
  return 'ticket_hold:' .. hold
end

-- The tickets of the event that count for a user's cap, each with the time until which it counts. The event is what
-- follows the first colon of its marks' key.
local function user_key(event_key, user)
  return 'user_seats:' .. string.match(event_key, ':(.*)') .. ':' .. user
end

-- A held ticket: h:<user>:<hold>:<latest end that extending can reach, ms>
local function held_mark(user, hold, latest_end)
  return table.concat({'h', user, hold, int(latest_end)}, ':')
end

-- A ticket being sold: s:<user>:<hold>:<latest end, ms>:<attempt>:<end of the hold, ms>:<begin of the sale, ms>:<number
-- of tickets in the sale>
local function selling_mark(user, hold, latest_end, attempt, hold_ends, began, tickets)
  return table.concat({'s', user, hold, int(latest_end), attempt, int(hold_ends), int(began), tickets}, ':')
end

local BOOKED_MARK = 'b'

local function read_mark(event_key, ticket)
  local text = redis.call('HGET', event_key, ticket)
  if not text then
    return {kind = ''}
  end
  local part = {}
  for field in string.gmatch(text, '[^:]+') do
    part[#part + 1] = field
  end
  return {kind = part[1] or '', user = part[2], hold = part[3], latest_end = tonumber(part[4]), attempt = part[5],
    hold_ends = tonumber(part[6]), began = tonumber(part[7]), tickets = tonumber(part[8])}
end

-- The name of a ticket's sale in the list of sales.
local function sale_name(event_key, user, attempt, ticket)
  return table.concat({event_key, user, attempt, ticket}, ' ')
end

-- Writes the three keys of a hold, which end at the same millisecond.
local function write_hold(event_key, ticket, user, ends, answers, hold, latest_end)
  redis.call('SET', lock_key(ticket), user, 'PXAT', int(ends))
  redis.call('SET', proof_key(ticket, user), answers, 'PXAT', int(ends))
  redis.call('HSETEX', event_key, 'PXAT', int(ends), 'FIELDS', 1, ticket, held_mark(user, hold, latest_end))
end

