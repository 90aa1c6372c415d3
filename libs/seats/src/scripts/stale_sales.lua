-- The sales that began at least `age` ago and have not ended, oldest first.
-- KEYS: list of sales. ARGV: age (ms), the largest number of sales.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now_ms() - tonumber(ARGV[1])), 'LIMIT', 0, ARGV[2])
