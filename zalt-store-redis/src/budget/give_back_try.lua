-- Gives one try of a rate back: BudgetState::with_try_back of zalt-core, in one step for all replicas.
--
-- KEYS[1]  the budget: "count until forget_at", instants in milliseconds
-- ARGV     one try in ms
-- What nobody has taken from stays as it is. A state of another form is left alone; whoever takes from it says so.

local count, till, forget = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
if count then
  local each = tonumber(ARGV[1])
  till, forget = math.max(tonumber(till) - each, 0), math.max(tonumber(forget) - each, 0)
  redis.call('SET', KEYS[1], string.format('%s %.0f %.0f', count, till, forget), 'KEEPTTL')
end
return 0
