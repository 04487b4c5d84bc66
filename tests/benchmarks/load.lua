-- What wrk sends: one request for each user of a file, and what came of them as one line of JSON.
-- Arguments: FILE FIRST STRIDE METHOD PATH BODY. Each line of the file is a user and the account;
-- {user} and {account} are replaced in PATH and BODY. Thread n takes every STRIDE-th line, and begins
-- again at the end. For a user that is * another one is made up each time.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  users, sent, answered, bad, first_bad = {}, 0, 0, 0, ""
  for line in io.lines(arguments[1]) do users[#users + 1] = {line:match("(%S+) (%S+)")} end
  first, stride = tonumber(arguments[2]), tonumber(arguments[3])
  method, path, body = arguments[4], arguments[5], arguments[6]
  if body == "" then body = nil end
  keyed = wrk.headers["Idempotency-Key"] ~= nil
end

function request()
  local index = first + number + sent * stride
  sent = sent + 1
  local user, account = unpack(users[(index - first) % #users + 1])
  if user == "*" then user = "user_" .. index end
  local headers = wrk.headers
  if keyed then headers["Idempotency-Key"] = "benchmark-" .. index end
  local filled = function(text) return (text:gsub("{user}", user):gsub("{account}", account)) end
  return wrk.format(method, filled(path), headers, body and filled(body))
end

function response(status, _, content)
  answered = answered + 1
  if status >= 300 then
    bad = bad + 1
    if first_bad == "" then first_bad = status .. " " .. content:sub(1, 300) end
  end
end

function done(summary, latency, _)
  local counts, sent_most, wrong, example = {}, 0, 0, ""
  for _, thread in ipairs(threads) do
    counts[#counts + 1] = thread:get("answered")
    sent_most = math.max(sent_most, thread:get("sent"))
    wrong = wrong + thread:get("bad")
    if example == "" then example = thread:get("first_bad") end
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "max": %f, "broken": %d, "bad": %d, ' ..
    '"sent_most": %d, "answered": [%s]}\n%s\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, e.connect + e.read + e.write + e.timeout, wrong,
    sent_most, table.concat(counts, ", "), example))
end
