//! Scripts and the exact bytes of their replies, as redis-server 7.0.15 gave them.

use crate::redis::Instance;

/// Runs commands on a fresh instance; the words of each are given, and its reply is compared.
fn replies(commands: &[(&[&str], &str)]) {
    let mut instance = Instance::default();
    let id = instance.connect();
    for (words, expected) in commands {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        instance.execute(id, 0, &words);
        let mut out = Vec::new();
        instance.take_output(id, &mut out);
        let got = String::from_utf8(out).expect("these replies are texts").replace("\r\n", "|");
        assert_eq!(got, *expected, "{words:?}");
    }
}

/// Runs scripts without keys.
fn scripts(scripts: &[(&str, &str)]) {
    for (text, expected) in scripts {
        replies(&[(&["EVAL", text, "0"], expected)]);
    }
}

#[test]
fn values_become_replies() {
    scripts(&[
        ("return {1,2,3.9,'foo',nil,'bar'}", "*4|:1|:2|:3|$3|foo|"),
        ("return {true,false,{1}}", "*3|:1|$-1|*1|:1|"),
        ("return {ok='fine'}", "+fine|"),
        ("return redis.error_reply('MYERR')", "-ERR MYERR|"),
        ("return redis.error_reply('MY ERR')", "-MY ERR|"),
        ("return {double=3.5}", "$3|3.5|"),
        ("redis.setresp(3) return true", ":1|"),
        ("return redis.call('set','n',1e17) and redis.call('get','n')", "$5|1e+17|"),
        ("return redis.call('get','nothing')", "$-1|"),
        ("return {math.random(100), math.random(100)}", "*2|:40|:85|"),
        ("return cjson.encode({1,{a='/'},cjson.null})", "$19|[1,{\"a\":\"\\/\"},null]|"),
        ("return cjson.decode('{\"a\":[1,2.5]}').a", "*2|:1|:2|"),
        ("return bit.tohex(bit.bxor(255, 15))", "$8|000000f0|"),
    ]);
}

#[test]
fn json_is_read_as_the_library_reads_it() {
    scripts(&[
        ("return tostring(cjson.decode('inf'))", "$3|inf|"),
        ("return cjson.decode('[0x10,-01,+2]')", "*3|:16|:-1|:2|"),
        ("return cjson.decode('\"\\\\u00e9\\\\ud834\\\\udd1e\"')", "$6|é𝄞|"),
        ("return cjson.encode({set={[1e17]=1}})", "$19|{\"set\":{\"1e+17\":1}}|"),
    ]);
}

#[test]
fn libraries_do_what_c_does() {
    scripts(&[
        ("math.randomseed(7) return math.random(1e17)", ":418137554|"),
        ("return bit.bxor(1, 1e17)", ":-2049400831|"),
        ("return redis.error_reply('')", "-ERR |"),
        ("return redis.error_reply('-MY\\r\\n')", "-ERR MY|"),
        ("return redis.status_reply('a\\0b')", "+a|"),
        ("return select('#', pcall(function() end))", ":1|"),
        ("return {next(redis.pcall('nosuch'))}", "*2|$25|ignore_error_stats_update|:1|"),
        ("return redis.acl_check_cmd('get', 'k')", ":1|"),
        ("return redis.log('1', 'text')", "$-1|"),
    ]);
}

#[test]
fn lists_within_themselves_end_where_the_stack_of_lua_does() {
    let (header, end) = ("*1|".repeat(7995), "-ERR reached lua stack limit|");
    let maps = "*2|$1|a|".repeat(2664);
    replies(&[
        (&["EVAL", "KEYS[1] = KEYS return KEYS", "0"], &format!("{header}{end}")),
        (&["EVAL", "local t = {} t.map = {a=t} return t", "0"], &format!("{maps}*2|{end}{end}")),
    ]);
}

#[test]
fn errors_say_where() {
    let missing = "-ERR user_script:1: Script attempted to access nonexistent global variable 'foo' \
        script: 47e30a5d10d5694f99208f9adc4fe3bf2450edbd, on @user_script:1.|";
    scripts(&[
        ("return foo", missing),
        (
            "foo=1",
            "-ERR user_script:1: Attempt to modify a readonly table script: \
             5bddd8336e5f711bfa499383fc73c17560c6250b, on @user_script:1.|",
        ),
        (
            "return redis.call('get')",
            "-ERR Wrong number of args calling Redis command from script script: \
             f187dee77f607f7cff00bbabc9df38507582c78d, on @user_script:1.|",
        ),
        (
            "error({err='boo'})",
            "-boo script: 441a1e50777eab33c7096f9b0b8ed334a972d24d, on @user_script:1.|",
        ),
        ("return redis.pcall('nosuch')", "-ERR Unknown Redis command called from script|"),
        (
            "retrun",
            "-ERR Error compiling script (new function): user_script:1: '=' expected near '<eof>'|",
        ),
    ]);
}

#[test]
fn scripts_are_kept_by_their_digests() {
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    let unknown = "-NOSCRIPT No matching script. Please use EVAL.|";
    replies(&[
        (&["EVALSHA", sha, "0"], unknown),
        (&["SCRIPT", "LOAD", "return 1"], &format!("$40|{sha}|")),
        (&["EVALSHA", &sha.to_uppercase(), "0"], ":1|"),
        (&["SCRIPT", "EXISTS", sha, "x"], "*2|:1|:0|"),
        (&["SCRIPT", "FLUSH"], "+OK|"),
        (&["EVALSHA_RO", sha, "0"], unknown),
    ]);
}

#[test]
fn scripts_leave_the_connection_as_it_was() {
    let write = "redis.call('select', 5) return redis.call('set', KEYS[1], ARGV[1])";
    replies(&[
        (&["EVAL", write, "1", "k", "v"], "+OK|"),
        (&["GET", "k"], "$-1|"),
        (&["MULTI"], "+OK|"),
        (&["EVAL", "return redis.call('incr', 'n')", "0"], "+QUEUED|"),
        (&["EXEC"], "*1|:1|"),
        (&["SELECT", "5"], "+OK|"),
        (&["GET", "k"], "$1|v|"),
    ]);
}

#[test]
fn a_script_that_never_ends_is_ended() {
    let endless = "while true do pcall(function() while true do end end) end";
    let within = "coroutine.resume(coroutine.create(function() while true do end end))";
    let mut instance = Instance::default();
    let id = instance.connect();
    for text in [endless, within, "return 1"] {
        let words = ["EVAL", text, "0"].map(|word| word.as_bytes().to_vec());
        instance.execute(id, 0, &words);
        let mut out = Vec::new();
        instance.take_output(id, &mut out);
        let out = String::from_utf8(out).expect("these replies are texts");
        let killed = out.starts_with("-ERR Script killed by user with SCRIPT KILL.");
        // The other one ends with its coroutine.
        assert_eq!(killed, text == endless, "{text}: {out}");
    }
}
