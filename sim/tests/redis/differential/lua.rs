//! Texts of scripts, from literals upwards. Nothing in them differs from run to run: no addresses, no
//! order of hash tables of Redis.

use proptest::prelude::*;

use super::words::*;
use super::{connection, hashes, lists, sets, sorted_sets, strings, waits};

/// Commands whose replies are in no order, or chosen by chance.
const UNORDERED: &[&str] = &[
    "hgetall",
    "hkeys",
    "hrandfield",
    "hscan",
    "hvals",
    "keys",
    "object",
    "randomkey",
    "scan",
    "sdiff",
    "sinter",
    "smembers",
    "spop",
    "srandmember",
    "sscan",
    "sunion",
    "zrandmember",
    "zscan",
];

/// Values that need nothing. The last ones look like replies to whoever converts them.
const LITERALS: &[&str] = &[
    "1",
    "0",
    "3.9",
    "-0.5",
    "-3.99",
    "1e17",
    "2^53",
    "2^63",
    "-2^63",
    "1e300",
    "1/0",
    "-1/0",
    "0/0",
    "'foo'",
    "''",
    "'10'",
    "' 10 '",
    "'a\\r\\nb'",
    "'a\\0b'",
    "'1e3'",
    "nil",
    "true",
    "false",
    "{}",
    "{1,2,nil,4}",
    "{1,nil,3}",
    "{a=1}",
    "{ok='fine'}",
    "{ok='a\\r\\nb'}",
    "{err='boo'}",
    "{err='MY boo'}",
    "{err='-MY boo\\r\\n'}",
    "{err=1}",
    "{ok=1}",
    "{ok={}}",
    "{double=3.25}",
    "{double=1/0}",
    "{double='x'}",
    "{map={a=1}}",
    "{map={[1]={2}}}",
    "{map=1}",
    "{set={a=true}}",
    "{set={}}",
    "{big_number='123'}",
    "{big_number='1\\r\\n2'}",
    "{big_number=5}",
    "{verbatim_string={format='txt',string='some'}}",
    "{verbatim_string={format='longer',string='some'}}",
    "{verbatim_string={string='some'}}",
    "{ok='first',err='both'}",
    "{[1]='a',ok='x'}",
];

/// Values that a script finds.
const FOUND: &[&str] = &[
    "KEYS[1]",
    "KEYS[2]",
    "ARGV[1]",
    "ARGV[2]",
    "#KEYS",
    "#ARGV",
    "KEYS",
    "ARGV",
    "tonumber(ARGV[1])",
    "nothing",
    "redis.nothing",
    "redis.REDIS_VERSION",
    "redis.REDIS_VERSION_NUM",
    "redis.LOG_WARNING",
    "redis.REPL_ALL",
    "(function() math.randomseed(7) return math.random(100) end)()",
    "math.pi",
    "_VERSION",
    "math.huge",
    "redis.log(redis.LOG_DEBUG,'x')",
    "redis.log('x')",
    "redis.replicate_commands()",
    "redis.breakpoint()",
    "cjson.null",
    "cjson.decode('{\"a\":[1,2.5,null,true,\"x\"]}')",
    "cjson.decode('[]')",
    "cjson.decode('[1,2')",
    "cjson.decode('{\"b\":{}}').b",
    "cjson.decode('1e400')",
    "cjson.decode('nul')",
    "cjson.decode('\"\\\\u00e9\"')",
    "cjson.decode('[1e2,-0,0.1]')",
    "redis.call()",
    "redis.pcall()",
    "redis.pcall('nosuch')",
    "redis.call('get')",
    "redis.call('multi')",
    "redis.pcall('subscribe','x')",
    "redis.call('eval','return 1',0)",
    "redis.sha1hex()",
    "redis.error_reply()",
    "redis.status_reply(1,2)",
    "redis.setresp(3)",
    "redis.setresp(4)",
    "redis.setresp()",
    "redis.acl_check_cmd('get','x')",
    "string.format('%5.2f|%d|%s|%q',1.234,5,'a','b\"c')",
    "string.rep('ab',3,'-')",
    "('x'):upper()",
    "string.gsub('hello','l','L')",
    "string.find('hello','l+')",
    "string.byte('A')",
    "os.time",
    "print",
    "select('#',1,nil,nil)",
    "table.concat({1,2,'x'},',')",
    "unpack({1,2})",
    "bit.band(0xff,'15')",
    "bit.tohex(255)",
    "bit.lshift(1,31)",
    "bit.bnot(0)",
    "bit.rol(0x12345678,8)",
    "bit.arshift(-256,4)",
];

/// Functions of one value, whatever it is.
const ONE: &[&str] = &[
    "not $",
    "-($)",
    "#($)",
    "($)[1]",
    "($).ok",
    "($).err",
    "($).map",
    "($).double",
    "($)()",
    "($).a.b",
    "tonumber($)",
    "type($)",
    "cjson.encode($)",
    "redis.sha1hex($)",
    "redis.status_reply($)",
    "redis.error_reply($)",
    "string.len($)",
    "string.sub($,2,3)",
    "table.concat($,',')",
    "math.floor($)",
    "next($)",
    "cjson.decode($)",
    "string.format('%d',$)",
    "string.format('%s',type($))",
    "tonumber($,16)",
    "(function() math.randomseed(7) return math.random($) end)()",
    "math.randomseed($)",
    "redis.setresp($)",
    "select(2,pcall(function() return $ end))",
    "{pcall(redis.call,$)}",
    "{pcall(error,($))}",
    "unpack($)",
    "string.format('%.14g',$)",
    "bit.tobit($)",
    "loadstring('return type(...)')($)",
    "table.getn($)",
    "math.sqrt($)",
];

/// And of two.
const TWO: &[&str] = &[
    "($)==($)",
    "($)..($)",
    "($)+($)",
    "($)*($)",
    "($)%($)",
    "($)/($)",
    "($)^($)",
    "($)<($)",
    "($)<=($)",
    "($) and ($)",
    "($) or ($)",
    "{$,$}",
    "{$,{$}}",
    "{a=$,b=$}",
    "{map={a=$,b=$}}",
    "{set={[$]=1}}",
    "redis.call($,$)",
    "redis.pcall('set',$,$)",
    "redis.call('rpush','list',$,$)",
    "math.max($,$)",
    "bit.bxor($,$)",
    "redis.log($,$)",
    "string.rep($,2)..($)",
    "{ok=$,err=$}",
    "math.fmod($,$)",
];

/// Scripts around one value or two.
const FRAMES: &[&str] = &[
    "return $",
    "return $",
    "return $",
    "return $, $",
    "local a = $ return {type(a), a}",
    "redis.setresp(3) return $",
    "redis.setresp(3) local a = $ return {type(a), a}",
    "redis.setresp(3) redis.setresp(2) return $",
    "\n\nreturn {\n$,\n$}",
    "local ok, e = pcall(function() return $ end) return {ok, type(e), e}",
    "local t = {} for k, v in pairs($) do t[#t+1] = k t[#t+1] = v end return t",
    "local n = 0 for _, v in ipairs($) do n = n + 1 end return n",
    "if $ then return 'yes' else return 'no' end",
    "$",
    "local a = $",
    "return ($) return 1",
    "#!lua\nreturn $",
    "#!lua flags=no-writes\nreturn $",
    "#!lua flags=no-writes,allow-stale\nreturn $",
    "#!lua flags=foo\nreturn $",
    "#!lua name=x\nreturn $",
    "#!js\nreturn $",
    "#!lua return $",
    "KEYS[1] = 'x' return {KEYS, $}",
    "foo = $",
    "string.x = $",
    "redis = $",
    "rawset(_G, 'x', ($))",
    "local t = setmetatable({}, {__index = function() return $ end}) return t.x",
    "local function f(n) if n == 0 then return $ end return f(n - 1) end return f(5)",
    "error({err='MY raised', code=$})",
    "error(redis.error_reply('MY raised'))",
    "error('text')",
    "error('text', 0)",
    "error(12)",
    "error(nil)",
    "assert(false)",
    "assert(nil, 'why')",
    "assert($)",
    "local c = coroutine.wrap(function() coroutine.yield($) end) return c()",
    "return return",
    "return '",
    "return redis.call('set', KEYS[1], ($))",
    "redis.call('select', 1) return redis.call('set', 'str', $)",
    "redis.call('select', 1) return $",
    "table.insert(ARGV, 1, 'x') return {ARGV, $}",
    "setmetatable(_G, {})",
];

/// Fills the places of a frame in turn.
fn filled(frame: &str, values: &[String]) -> String {
    let mut values = values.iter().cycle();
    let parts: Vec<&str> = frame.split('$').collect();
    let mut text = parts[0].to_owned();
    for part in &parts[1..] {
        text += values.next().expect("there is a value for every frame");
        text += part;
    }
    text
}

/// A text in Lua that means these bytes.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .-_:*".contains(&byte);
    let byte = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("\\{byte:03}"),
    };
    let text: String = word.bytes().map(byte).collect();
    format!("'{text}'")
}

/// A command that the script calls, with words as they would be sent.
fn call() -> BoxedStrategy<String> {
    let command = prop_oneof![
        3 => strings::command(),
        2 => hashes::command(),
        2 => lists::command(),
        2 => sets::command(),
        2 => sorted_sets::command(),
        1 => connection::command(),
        1 => waits::command(),
    ];
    (one_of(&["redis.call", "redis.call", "redis.pcall"]), command)
        .prop_map(|(call, words)| {
            let unordered = UNORDERED.contains(&words[0].to_ascii_lowercase().as_str());
            let words = if unordered { vec!["ping".to_owned()] } else { words };
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!("{call}({})", words.join(","))
        })
        .boxed()
}

/// A value.
fn expression() -> BoxedStrategy<String> {
    let leaf = prop_oneof![4 => one_of(LITERALS), 3 => one_of(FOUND), 4 => call()];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (one_of(ONE), inner.clone()).prop_map(|(frame, one)| filled(&frame, &[one])),
            (one_of(TWO), inner.clone(), inner.clone())
                .prop_map(|(frame, one, two)| filled(&frame, &[one, two])),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("{{{}}}", items.join(","))),
        ]
    })
    .boxed()
}

/// A script.
pub fn script() -> BoxedStrategy<String> {
    let before = prop_oneof![3 => Just(String::new()), 1 => call().prop_map(|call| call + " ")];
    (before, one_of(FRAMES), expression(), expression())
        .prop_map(|(before, frame, one, two)| {
            let text = filled(&frame, &[one, two]);
            if text.starts_with("#!") { text } else { before + &text }
        })
        .boxed()
}
