-- Takes one try of a budget: Budget::take of zalt-core, in one step for all replicas.
--
-- KEYS[1]  the budget: "count until forget_at", instants in milliseconds
-- ARGV     "rate", now, last instant, margin, one try in ms, period in ms
--          "failures", now, last instant, margin, free, ceiling, longest wait in ms, then the state after a failure that costs the 1st,
--          2nd, ... wait (the first of them none) as pairs of until and forget_at; further ones are as the last
-- The margin is how far apart the clocks of replicas may be: a state that lies further ahead was written before a clock was
-- set back.
-- Answers 0: granted; -1: denied for good; else denied for so many milliseconds.
--
-- Every number is below 2^53, so that Lua's doubles hold it exactly.

local now, last, margin = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local state = redis.call('GET', KEYS[1])
local count, till, forget
if state then
  count, till, forget = string.match(state, '^(%d+) (%d+) (%d+)$')
  if not count then
    return redis.error_reply('ZALTSTATE the state of a budget is not of the form that it was written in')
  end
  count, till, forget = tonumber(count), tonumber(till), tonumber(forget)
end

local function grant(count, till, forget)
  local value = string.format('%.0f %.0f %.0f', count, till, forget)
  if forget >= last then
    redis.call('SET', KEYS[1], value)
  else
    redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.max(forget - now, 0) + margin))
  end
  return 0
end

if ARGV[1] == 'rate' then
  local each, period = tonumber(ARGV[5]), tonumber(ARGV[6])
  local arrival = now
  if till and till > now and till - now <= period + margin then
    arrival = till
  end
  local following = math.min(arrival + each, last)
  local earliest = math.max(following - period, 0)
  if earliest > now then
    return earliest - now
  end
  return grant(0, following, following)
end

local free, ceiling, longest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if not forget or now >= forget then
  count, till = 0, now
end
if count >= ceiling then
  return -1
end
if count > free and now < till and till - now <= longest + margin then
  return till - now
end
count = count + 1
local waits = (#ARGV - 7) / 2
local wait = math.min(math.max(count - free, 0), waits - 1)
till, forget = tonumber(ARGV[8 + 2 * wait]), tonumber(ARGV[9 + 2 * wait])
if count >= ceiling then
  forget = last
end
return grant(count, till, forget)
