-- Shows the tickets of a hold and how long it lasts.
-- ARGV: hold, user. Answer: 'gone' | as tell_hold says.
local found = read_hold(ARGV[1], ARGV[2])
if not found then
  return {'gone'}
end
return tell_hold(found, now_ms())
