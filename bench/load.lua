-- For wrk: the requests of a file in turn, and what came of them as one line of JSON.
--
-- wrk … URL -- FILE RATE
-- FILE: a request in each line, "method, path, body, header, value, …" with tabs between.
-- RATE: so many a second, at even distances, as long as a client is free; 0: as many as there can
-- be.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long sec; long nsec; } moment;
  int clock_gettime(int clock, moment *now);
]]
local MONOTONIC = 1
local moment = ffi.new("moment")

local requests, last, rate, due = {}, 0, 0, 0

local function now()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.sec) * 1000 + tonumber(moment.nsec) / 1e6
end

local function split(line)
  local parts = {}
  for part in (line .. "\t"):gmatch("(.-)\t") do parts[#parts + 1] = part end
  return parts
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    local parts = split(line)
    local headers = {}
    for place = 4, #parts - 1, 2 do headers[parts[place]] = parts[place + 1] end
    local body = parts[3] ~= "" and parts[3] or nil
    requests[#requests + 1] = wrk.format(parts[1], parts[2], headers, body)
  end
  rate = tonumber(arguments[2])
  -- wrk delays a request when there is such a function.
  if rate == 0 then delay = nil end
end

function delay()
  local present = now()
  if due == 0 then due = present end
  local wait = math.max(0, due - present)
  -- Who comes late sends at once, and the next ones wait for their own moments.
  due = due + 1000 / rate
  return math.floor(wait)
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local errors = 0
  for _, number in pairs(summary.errors) do errors = errors + number end
  io.write(string.format(
    '\n{"answers":%d,"seconds":%.6f,"errors":%d,"p50":%.3f,"p95":%.3f,"p99":%.3f,"longest":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors, latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
