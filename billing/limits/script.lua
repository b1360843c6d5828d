-- One decision about one request: whether all of its subjects have room for it, and whether it is
-- its turn. Counted for all of them or for none.
--
-- A subject is a hash: second -> "hits:milliseconds" of the last one in it. A bucket counts until
-- its last hit is WINDOW seconds ago, so no 60 seconds ever see more than the limit, and a hash has
-- at most 61 of them.
-- A line is two sorted sets: member -> when it came (microseconds), and member -> until when it
-- counts as alive (milliseconds).
--
-- KEYS  subjects, then, for those who may wait, the line and its signs of life
-- ARGV  WINDOW, "take" or "look", number of subjects, their limits, then, for those who may wait:
--       member, when it came ("": it comes now), the longest line, the milliseconds of a sign of
--       life, and of the member's patience
-- Returns {state, place in the line, when it came, ms until it may be its turn, then per subject:
--          hits, ms until there is room, ms until all is free}

local REFUSED, TAKEN, WAITS = 0, 1, 2

local clock = redis.call('TIME')
local second = tonumber(clock[1])
local microsecond = second * 1000000 + tonumber(clock[2])
local now = math.floor(microsecond / 1000)
local window, looks, number = tonumber(ARGV[1]), ARGV[2] == 'look', tonumber(ARGV[3])
local line, alive = KEYS[number + 1], KEYS[number + 2]
local member, came, longest, life, patience = unpack(ARGV, number + 4)
local comes_now = came == ''
came = tonumber(came) or microsecond

-- What is over is forgotten, and what a clock that was set back has left in the future, too.
local function read(key, limit)
  local subject = {key = key, limit = limit, hits = 0, buckets = {}}
  local stored = redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    local at = tonumber(stored[i])
    local hits, part = string.match(stored[i + 1], '(%d+):(%d+)')
    local ends = (at + window) * 1000 + part
    if ends > now and at <= second then
      subject.hits = subject.hits + hits
      table.insert(subject.buckets, {at = at, hits = tonumber(hits), ends = ends})
    elseif not looks then
      redis.call('HDEL', key, stored[i])
    end
  end
  table.sort(subject.buckets, function(a, b) return a.at < b.at end)
  return subject
end

local function take(subject)
  local last = subject.buckets[#subject.buckets]
  if not last or last.at ~= second then
    last = {at = second, hits = 0}
    table.insert(subject.buckets, last)
  end
  last.hits, last.ends = last.hits + 1, now + window * 1000
  subject.hits = subject.hits + 1
  redis.call('HSET', subject.key, second, last.hits .. ':' .. now % 1000)
  redis.call('EXPIRE', subject.key, window + 1)
end

-- Milliseconds until there is room for so many more.
local function until_room(subject, wanted)
  local free = subject.limit - subject.hits
  if free >= wanted then return 0 end
  for _, bucket in ipairs(subject.buckets) do
    free = free + bucket.hits
    if free >= wanted then return bucket.ends - now end
  end
  return window * 1000
end

local function until_free(subject)
  local last = subject.buckets[#subject.buckets]
  return last and last.ends - now or 0
end

-- How many stand before it.
local place, stands = 0, false
if line then
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', alive, '-inf', now)) do
    redis.call('ZREM', line, dead)
    redis.call('ZREM', alive, dead)
  end
  local rank = redis.call('ZRANK', line, member)
  stands = rank ~= false
  place = rank or redis.call('ZCOUNT', line, '-inf', string.format('(%.0f', came))
end

local subjects, wait, soonest = {}, 0, 0
for i = 1, number do
  subjects[i] = read(KEYS[i], tonumber(ARGV[3 + i]))
  wait = math.max(wait, until_room(subjects[i], place + 1))
  soonest = math.max(soonest, until_room(subjects[i], 1))
end

local state = REFUSED
if not looks then
  local may_go = wait == 0
  -- Who waits for something else than these subjects, asks for its place only.
  if number == 0 then may_go = comes_now and place == 0 end
  if may_go then
    state = TAKEN
  elseif line and soonest <= tonumber(patience)
      and (stands or redis.call('ZCARD', line) < tonumber(longest)) then
    state = WAITS
  end
end

if state == WAITS then
  redis.call('ZADD', line, came, member)
  redis.call('ZADD', alive, now + life, member)
  redis.call('PEXPIRE', line, life)
  redis.call('PEXPIRE', alive, life)
elseif stands then
  redis.call('ZREM', line, member)
  redis.call('ZREM', alive, member)
end

local answer = {state, place, came, wait}
for _, subject in ipairs(subjects) do
  if state == TAKEN then take(subject) end
  table.insert(answer, subject.hits)
  table.insert(answer, until_room(subject, 1))
  table.insert(answer, until_free(subject))
end
return answer
