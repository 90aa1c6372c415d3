-- Ends this user's holds. A sale that is being decided stays.
-- KEYS: marks of the event. ARGV: user, the number of answers to reserve that must not have grown ('' for any number),
-- tickets…
-- Answer: how many holds ended.
local event_key, user, answers = KEYS[1], ARGV[1], ARGV[2]
local released = 0
for i = 3, #ARGV do
  local ticket = ARGV[i]
  local mark = read_mark(event_key, ticket)
  local owned = mark.kind ~= 's' and redis.call('GET', lock_key(ticket)) == user
  if owned and (answers == '' or redis.call('GET', proof_key(ticket, user)) == answers) then
    redis.call('DEL', lock_key(ticket), proof_key(ticket, user))
    if mark.kind == 'h' then
      redis.call('HDEL', event_key, ticket)
    end
    redis.call('ZREM', user_key(event_key, user), ticket)
    released = released + 1
  end
end
return released
