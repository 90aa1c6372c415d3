-- Sales that began at least so long ago and have not ended, oldest first.
-- KEYS: list of sales. ARGV: age (ms), at most how many.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now_ms() - tonumber(ARGV[1])), 'LIMIT', 0, ARGV[2])
