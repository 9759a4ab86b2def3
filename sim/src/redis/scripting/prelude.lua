-- What scripts find around them. Runs once for each interpreter, and hands over what Rust goes on with.
local native = ...
local pairs, type, select, error, setmetatable = pairs, type, select, error, setmetatable
local raw_tostring, raw_pcall, raw_xpcall, raw_rawset = tostring, pcall, xpcall, rawset
local raw_getmetatable, raw_setmetatable = getmetatable, setmetatable
local plain, locate, gsub = native.plain, native.locate, string.gsub

local allowed = {
  "_VERSION", "assert", "collectgarbage", "error", "gcinfo", "ipairs", "next", "pairs", "rawequal",
  "rawget", "select", "tonumber", "type", "unpack",
}
local globals = {}
for _, name in pairs(allowed) do globals[name] = _G[name] end

-- A table that scripts may read and not change is an empty one in front of the one that is read.
local guarded = setmetatable({}, { __mode = "k" })
local function guard(inner)
  local front = setmetatable({}, {
    __index = inner,
    __newindex = function() error("Attempt to modify a readonly table", 2) end,
    __metatable = false,
  })
  guarded[front] = true
  return front
end

local env = guard(globals)
setmetatable(globals, { __index = native.missing })
globals._G = env

-- Errors are tables with an `err` within Redis, and texts for those who catch them.
local function caught(ok, ...)
  if ok then return ok, ... end
  local value = plain((...))
  if type(value) ~= "table" then return false, value end
  local text = value.err
  if type(text) == "string" or type(text) == "number" then return false, text end
  -- Redis forgets to take away what it has looked at.
  return false, value, text
end
function globals.pcall(...) return caught(raw_pcall(...)) end
function globals.xpcall(run, handler)
  return raw_xpcall(run, function(value) return handler(plain(value)) end)
end
function globals.tostring(...)
  local text = raw_tostring(...)
  -- Addresses differ from run to run.
  if type(...) ~= "string" then text = gsub(text, "^(%a+): 0x%x+$", "%1: 0x0") end
  return text
end
function globals.rawset(table, ...)
  if guarded[table] then error({ err = "ERR Attempt to modify a readonly table" }) end
  return raw_rawset(table, ...)
end
function globals.setmetatable(table, ...)
  if guarded[table] then error({ err = "ERR Attempt to modify a readonly table" }) end
  return raw_setmetatable(table, ...)
end
local of_strings = guard(raw_getmetatable(""))
function globals.getmetatable(value)
  if type(value) == "string" then return of_strings end
  return raw_getmetatable(value)
end
local raw_loadstring, raw_load, setfenv = loadstring, load, setfenv
local function within(run, ...)
  if run then return setfenv(run, env) end
  return run, ...
end
function globals.loadstring(text, ...)
  if type(text) == "string" and text:byte() == 27 then return nil, "attempt to load bytecode" end
  return within(raw_loadstring(text, ...))
end
function globals.load(...) return within(raw_load(...)) end

local threads = {}
for name, value in pairs(coroutine) do threads[name] = value end
local function resumed(ok, ...)
  if ok then return ok, ... end
  return ok, plain((...))
end
function threads.resume(...) return resumed(coroutine.resume(...)) end
function threads.wrap(run)
  local thread = coroutine.create(run)
  return native.raising(function(...) return resumed(coroutine.resume(thread, ...)) end)
end

math.random, math.randomseed = native.random, native.randomseed
string.dump = nil
for name, inner in pairs({
  string = string, table = table, math = math, coroutine = threads,
  redis = native.redis, cjson = native.cjson, bit = native.bit,
}) do
  globals[name] = guard(inner)
end

local function on_error(value)
  value = plain(value)
  if type(value) ~= "table" then value = { err = "ERR " .. raw_tostring(value) } end
  local source, line = locate()
  if source then value.source, value.line = source, line end
  return value
end

return env, globals, function(run) return raw_xpcall(run, on_error) end
