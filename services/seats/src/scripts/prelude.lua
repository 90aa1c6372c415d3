-- Put in front of every script: the names of keys and the form of marks, in one place.

-- A sale older than this whose entry in the list of sales is gone is put back there by whoever stumbles over it.
local LOST_SALE_MS = 60000

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

-- A held ticket: h:<user>
local function held_mark(user)
  return 'h:' .. user
end

-- A ticket being sold: s:<user>:<attempt>:<end of the hold, ms>:<begin of the sale, ms>:<number of tickets in the sale>
local function selling_mark(user, attempt, hold_ends, began, tickets)
  return table.concat({'s', user, attempt, int(hold_ends), int(began), tickets}, ':')
end

local BOOKED_MARK = 'b'

local function read_mark(event_key, ticket)
  local text = redis.call('HGET', event_key, ticket)
  if not text then
    return {kind = ''}
  end
  local kind, user, attempt, hold_ends, began, tickets = string.match(text, '^(%a):?([^:]*):?([^:]*):?(%d*):?(%d*):?(%d*)$')
  return {kind = kind or '', user = user, attempt = attempt, hold_ends = tonumber(hold_ends), began = tonumber(began),
    tickets = tonumber(tickets)}
end

-- How a sale of a ticket is named in the list of sales.
local function sale_name(event_key, user, attempt, ticket)
  return table.concat({event_key, user, attempt, ticket}, ' ')
end

-- The hold's three traces, ending at the same millisecond.
local function write_hold(event_key, ticket, user, ends, answers)
  redis.call('SET', lock_key(ticket), user, 'PXAT', int(ends))
  redis.call('SET', proof_key(ticket, user), answers, 'PXAT', int(ends))
  redis.call('HSETEX', event_key, 'PXAT', int(ends), 'FIELDS', 1, ticket, held_mark(user))
end

