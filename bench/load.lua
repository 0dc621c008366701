-- The requests of http_bench.py, view_bench.py, mango_bench.py, login_bench.py and rules_bench.py, for wrk. What to send comes from the environment.
local operation = os.getenv("DIVAN_BENCH_OPERATION")
local count = tonumber(os.getenv("DIVAN_BENCH_COUNT") or "0")
local run = os.getenv("DIVAN_BENCH_RUN") or ""
local text = string.rep("x", 520)
local number = 0

wrk.headers[os.getenv("DIVAN_BENCH_LOGIN_FIELD") or "Authorization"] = os.getenv("DIVAN_BENCH_LOGIN")
wrk.headers["Content-Type"] = "application/json"

local function put_document()
   number = number + 1
   local body = string.format('{"name":"user %d","number":%d,"active":true,"text":"%s"}', number, number, text)
   return wrk.format("PUT", string.format("/bench/put-%s-%d", run, number), nil, body)
end

-- Every document of 0 to count - 1 in no order: a step that has no factor in common with the count.
local function get_document()
   number = (number + 7919) % count
   return wrk.format("GET", string.format("/bench/doc-%08d", number))
end

local function put_database()
   number = number + 1
   return wrk.format("PUT", string.format("/made-%s-%d", run, number), nil, "")
end

local function delete_database()
   number = number + 1
   return wrk.format("DELETE", string.format("/made-%s-%d", run, number))
end

local customers = math.floor(count / 5) -- as view_bench.py

local function view_point()
   number = (number + 7919) % customers
   return wrk.format("GET", string.format('/bench/_design/three/_view/by_customer?reduce=false&key="customer-%06d"', number))
end

-- A tenth of the customers.
local function view_range_reduce()
   number = (number + 7919) % (customers - math.floor(customers / 10))
   return wrk.format("GET", string.format(
      '/bench/_design/three/_view/by_customer?startkey="customer-%06d"&endkey="customer-%06d"',
      number, number + math.floor(customers / 10)))
end

local function view_range_reduce_script()
   number = (number + 7919) % 11
   return wrk.format("GET", string.format(
      "/bench/_design/three/_view/by_date?startkey=[2026,1,5]&endkey=[2026,%d,20]", number + 2))
end

-- As mango_bench.py.
local mango_customers = math.floor(count / 25)

local function find(body)
   return wrk.format("POST", "/bench/_find", nil, body)
end

local function mango_find()
   number = (number + 7919) % mango_customers
   return find(string.format('{"selector":{"customer":"customer-%06d"},"use_index":"by_customer"}', number))
end

local function mango_covered()
   number = (number + 7919) % mango_customers
   return find(string.format('{"selector":{"customer":"customer-%06d","total":{"$gt":0}},"fields":["customer","total"]}', number))
end

local function mango_sort()
   number = (number + 7919) % 300
   return find(string.format('{"selector":{"date":{"$lte":[2026,%d,%d]}},"sort":[{"date":"desc"}]}',
      1 + number % 12, 1 + math.floor(number / 12)))
end

local function mango_count()
   number = (number + 7919) % (mango_customers - math.floor(mango_customers / 10))
   return find(string.format(
      '{"selector":{"customer":{"$gte":"customer-%06d","$lt":"customer-%06d"}},"count":true,"limit":0}',
      number, number + math.floor(mango_customers / 10)))
end

-- As rules_bench.py.
local function find_number()
   number = (number + 7919) % count
   return find(string.format('{"selector":{"number":%d}}', number))
end

request = ({
   find_number = find_number,
   mango_find = mango_find,
   mango_covered = mango_covered,
   mango_sort = mango_sort,
   mango_count = mango_count,
   view_point = view_point,
   view_range_reduce = view_range_reduce,
   view_range_reduce_script = view_range_reduce_script,
   put_document = put_document,
   get_document = get_document,
   put_database = put_database,
   delete_database = delete_database,
})[operation]

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'result {"requests":%d,"seconds":%f,"failed":%d,"median_us":%f,"p99_us":%f}\n',
      summary.requests, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
