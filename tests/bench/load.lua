-- What wrk sends, and what it tells at the end. wrk's own page on scripts: https://github.com/wg/wrk/blob/master/SCRIPTING
--
-- BENCH_REQUESTS  a file with one request a line: path, bearer token, body, with tabs between
-- BENCH_METHOD    the method of all of them
-- BENCH_REPEAT    1: begin anew after the last line; else each line is sent once at the most
-- BENCH_RESULT    the file that the result is written into, as JSON; times are in microseconds

local method = os.getenv("BENCH_METHOD")
local repeatable = os.getenv("BENCH_REPEAT") == "1"
local file
local threads = {}

-- Global: done() asks each thread for it.
unsent = 0

function setup(thread)
   table.insert(threads, thread)
end

function init()
   file = assert(io.open(os.getenv("BENCH_REQUESTS"), "r"))
end

function request()
   local line = file:read("*l")
   if not line and repeatable then
      file:seek("set")
      line = file:read("*l")
   end
   if not line then
      -- wrk wants something to send; the run is refused afterwards.
      unsent = unsent + 1
      return wrk.format("GET", "/")
   end
   local path, token, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
   local headers = {}
   for name, text in pairs(wrk.headers) do
      headers[name] = text
   end
   if token ~= "" then
      headers["Authorization"] = "Bearer " .. token
   end
   if body ~= "" then
      headers["Content-Type"] = "application/json"
   else
      body = nil
   end
   return wrk.format(method, path, headers, body)
end

function done(summary, latency)
   local missing = 0
   for _, thread in ipairs(threads) do
      missing = missing + thread:get("unsent")
   end
   local errors = summary.errors
   local result = assert(io.open(os.getenv("BENCH_RESULT"), "w"))
   result:write(string.format(
      '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "unsent": %d, '
         .. '"errors": {"status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), missing,
      errors.status, errors.connect, errors.read, errors.write, errors.timeout
   ))
   result:close()
end
