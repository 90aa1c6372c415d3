-- PostgreSQL says that these tickets are available: takes their marks of a sale away.
-- KEYS: marks of the event. ARGV: tickets…
local cleared = 0
for i = 1, #ARGV do
  if read_mark(KEYS[1], ARGV[i]).kind == 'b' then
    redis.call('HDEL', KEYS[1], ARGV[i])
    cleared = cleared + 1
  end
end
return cleared
