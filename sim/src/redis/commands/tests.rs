//! Scripts of commands and the exact bytes of their replies.

use std::collections::BTreeMap;

use crate::redis::Instance;

/// Runs a script on a fresh instance. Each line is a command and, after `→`, its reply, line ends
/// written `|`; nothing for a command that waits. `b:` in front makes it the command of another client, and
/// `b: →` what that client was sent meanwhile. `@5` sets the time, in milliseconds; `@5 tick`
/// lets it do its work besides.
fn script(text: &str) {
    let mut instance = Instance::default();
    let mut clients = BTreeMap::new();
    let mut now_ms = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(time) = line.strip_prefix('@') {
            let (time, swept) =
                time.split_once(' ').map_or((time, false), |(time, _)| (time, true));
            now_ms = time.parse().expect("a time in milliseconds");
            if swept {
                instance.tick(now_ms);
            }
            continue;
        }
        let (command, expected) = line.split_once('→').expect("a command and its reply");
        let (client, command) = command.split_once(": ").unwrap_or(("", command));
        let id = *clients.entry(client).or_insert_with(|| instance.connect());
        let words: Vec<Vec<u8>> =
            command.split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
        if !words.is_empty() {
            instance.execute(id, now_ms, &words);
        }
        let mut out = Vec::new();
        instance.take_output(id, &mut out);
        let got = String::from_utf8(out).expect("scripts are texts").replace("\r\n", "|");
        let expected = expected.trim_start();
        let expected = expected.strip_suffix('|').unwrap_or(expected);
        assert_eq!(got.strip_suffix('|').unwrap_or(&got), expected, "{line}");
    }
}

#[test]
fn strings() {
    script(
        "
        GET k → $-1
        SET k v → +OK
        get k → $1|v
        SET k w NX → $-1
        SET k w GET → $1|v
        SET k x NX GET → $1|w
        SET k x XX → +OK
        SET other x XX → $-1
        SET k x NX XX → -ERR syntax error
        SET k x EX → -ERR syntax error
        SET k x EX 1 PX 1 → -ERR syntax error
        SET k x EX 1 KEEPTTL → -ERR syntax error
        SET k x EX one → -ERR value is not an integer or out of range
        SET k x EX 0 → -ERR invalid expire time in 'set' command
        SET k x PX -1 → -ERR invalid expire time in 'set' command
        SET k x EX 9223372036854775807 → -ERR invalid expire time in 'set' command
        GET k → $1|x
        ",
    );
}

#[test]
fn expiry() {
    script(
        "
        SET k v PX 100 → +OK
        @40
        PTTL k → :60
        TTL k → :0
        SET k w KEEPTTL → +OK
        PTTL k → :60
        @100
        GET k → $1|w
        DBSIZE → :1
        @101
        DBSIZE → :1
        GET k → $-1
        DBSIZE → :0
        PTTL k → :-2
        SET k v → +OK
        TTL k → :-1
        EXPIRE k 10 XX → :0
        EXPIRE k 10 NX → :1
        EXPIRE k 5 GT → :0
        EXPIRE k 5 LT → :1
        TTL k → :5
        EXPIRE k 5 NX GT → -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE k 5 GT LT → -ERR GT and LT options at the same time are not compatible
        EXPIRE k 5 YY → -ERR Unsupported option YY
        EXPIRE k 9223372036854775807 → -ERR invalid expire time in 'expire' command
        PEXPIRE k 9223372036854775807 → -ERR invalid expire time in 'pexpire' command
        PEXPIRE k 1500 → :1
        TTL k → :2
        EXPIRE none 5 → :0
        EXPIRE k -1 → :1
        EXISTS k → :0
        ",
    );
}

#[test]
fn hashes() {
    script(
        "
        HSET h a 1 b 2 → :2
        HSET h b 3 c 4 → :1
        HGETALL h → *6|$1|a|$1|1|$1|b|$1|3|$1|c|$1|4
        HGET h b → $1|3
        HGET h z → $-1
        HGET none b → $-1
        HSET h a → -ERR wrong number of arguments for 'hset' command
        HSET h a 1 b → -ERR wrong number of arguments for 'hset' command
        HDEL h a z → :1
        HLEN h → :2
        HDEL h b c → :2
        EXISTS h → :0
        HGETALL h → *0
        SET s v → +OK
        HSET s a 1 → -WRONGTYPE Operation against a key holding the wrong kind of value
        HGETALL s → -WRONGTYPE Operation against a key holding the wrong kind of value
        ",
    );
}

#[test]
fn sorted_sets() {
    script(
        "
        ZADD z 1 a 2 b 3 c → :3
        ZADD z CH 5 a 2 b → :1
        ZRANGEBYSCORE z -inf +inf → *3|$1|b|$1|c|$1|a
        ZRANGEBYSCORE z (2 5 WITHSCORES → *4|$1|c|$1|3|$1|a|$1|5
        ZRANGEBYSCORE z 2 (5 → *2|$1|b|$1|c
        ZRANGEBYSCORE z 0 9 LIMIT 1 1 → *1|$1|c
        ZRANGEBYSCORE z 0 9 LIMIT 1 -1 → *2|$1|c|$1|a
        ZRANGEBYSCORE z 0 9 LIMIT -1 5 → *0
        ZRANGEBYSCORE z 9 0 → *0
        ZRANGEBYSCORE z a 5 → -ERR min or max is not a float
        ZRANGEBYSCORE z 0 9 LIMIT 1 → -ERR syntax error
        ZADD z GT 4 a 3 b → :0
        ZADD z NX 9 a 9 d → :1
        ZADD z XX 9 e → :0
        ZADD z INCR 0.5 b → $3|3.5
        ZADD z NX INCR 1 b → $-1
        ZADD z NX XX 1 a → -ERR XX and NX options at the same time are not compatible
        ZADD z GT NX 1 a → -ERR GT, LT, and/or NX options at the same time are not compatible
        ZADD z INCR 1 a 2 b → -ERR INCR option supports a single increment-element pair
        ZADD z 1 a 2 → -ERR syntax error
        ZADD z x a → -ERR value is not a valid float
        ZCARD z → :4
        ZREMRANGEBYRANK z 0 -4 → :1
        ZREMRANGEBYRANK z 5 9 → :0
        ZREMRANGEBYRANK z -9 0 → :1
        ZREMRANGEBYSCORE z (5 +inf → :1
        ZRANGEBYSCORE z -inf inf → *1|$1|a
        ZREMRANGEBYSCORE z 5 5 → :1
        EXISTS z → :0
        ",
    );
}

#[test]
fn streams() {
    script(
        "
        @5
        XADD x * f 1 → $3|5-0
        XADD x * f 2 → $3|5-1
        XADD x 5-* f 3 → $3|5-2
        XADD x 5-1 f 4 → -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XADD x MAXLEN 2 7-0 f 4 → $3|7-0
        XADD none NOMKSTREAM * f 1 → $-1
        XRANGE x - + → *2|*2|$3|5-2|*2|$1|f|$1|3|*2|$3|7-0|*2|$1|f|$1|4
        XREVRANGE x + (5-2 COUNT 1 → *1|*2|$3|7-0|*2|$1|f|$1|4
        XDEL x 7-0 7-1 → :1
        XTRIM x MINID ~ 7 → :0
        XADD x 7-0 f 5 → -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XSETID x 6-0 → +OK
        XADD x 7-0 f 5 → $3|7-0
        XLEN x → :2
        TYPE x → +stream
        ",
    );
}

#[test]
fn groups_of_consumers() {
    script(
        "
        @5
        XGROUP CREATE x g 0 → -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        XGROUP CREATE x g 0 MKSTREAM → +OK
        XGROUP CREATE x g 0 → -BUSYGROUP Consumer Group name already exists
        XADD x 1-0 f 1 → $3|1-0
        XADD x 2-0 f 2 → $3|2-0
        XREADGROUP GROUP g a STREAMS x > → *1|*2|$1|x|*2|*2|$3|1-0|*2|$1|f|$1|1|*2|$3|2-0|*2|$1|f|$1|2
        XREADGROUP GROUP g a STREAMS x > → *-1
        XREADGROUP GROUP h a STREAMS x > → -NOGROUP No such key 'x' or consumer group 'h' in XREADGROUP with GROUP option
        XDEL x 1-0 → :1
        XREADGROUP GROUP g a STREAMS x 0 → *1|*2|$1|x|*2|*2|$3|1-0|*-1|*2|$3|2-0|*2|$1|f|$1|2
        @9
        XPENDING x g → *4|:2|$3|1-0|$3|2-0|*1|*2|$1|a|$1|2
        XPENDING x g IDLE 4 - + 9 → *2|*4|$3|1-0|$1|a|:4|:1|*4|$3|2-0|$1|a|:4|:2
        XCLAIM x g b 0 2-0 JUSTID → *1|$3|2-0
        XAUTOCLAIM x g b 0 - → *3|$3|0-0|*1|*2|$3|2-0|*2|$1|f|$1|2|*1|$3|1-0
        XACK x g 1-0 2-0 → :1
        XINFO GROUPS x → *1|*12|$4|name|$1|g|$9|consumers|:2|$7|pending|:0|$17|last-delivered-id|$3|2-0|$12|entries-read|:2|$3|lag|:0
        XINFO CONSUMERS x g → *2|*6|$4|name|$1|a|$7|pending|:0|$4|idle|:4|*6|$4|name|$1|b|$7|pending|:0|$4|idle|:0
        ",
    );
}

#[test]
fn who_waits_for_a_stream_hears_when_it_is_gone() {
    script(
        "
        XGROUP CREATE x g $ MKSTREAM → +OK
        XGROUP CREATE x h $ → +OK
        XREADGROUP GROUP g a BLOCK 0 STREAMS x > →
        b: XREADGROUP GROUP h a BLOCK 0 STREAMS x > →
        c: XREAD BLOCK 0 STREAMS other x $ $ →
        d: XGROUP DESTROY x g → :1
        → -NOGROUP the consumer group this client was blocked on no longer exists
        d: DEL x → :1
        b: → -UNBLOCKED the stream key no longer exists
        d: XADD x 5-0 f 1 → $3|5-0
        c: → *1|*2|$1|x|*1|*2|$3|5-0|*2|$1|f|$1|1
        ",
    );
}

#[test]
fn connections() {
    script(
        "
        PING → +PONG
        PING hi → $2|hi
        PING a b → -ERR wrong number of arguments for 'ping' command
        ECHO hi → $2|hi
        CLIENT ID → :1
        CLIENT GETNAME → $-1
        CLIENT SETNAME me → +OK
        CLIENT GETNAME → $2|me
        CLIENT SETNAME → -ERR wrong number of arguments for 'client|setname' command
        CLIENT → -ERR wrong number of arguments for 'client' command
        CLIENT SETINFO LIB-NAME x → -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
        SELECT 15 → +OK
        SET k v → +OK
        SELECT 16 → -ERR DB index is out of range
        SELECT 0 → +OK
        GET k → $-1
        SELECT x → -ERR value is not an integer or out of range
        HELLO 4 → -NOPROTO unsupported protocol version
        HELLO x → -ERR Protocol version is not an integer or out of range
        HELLO 3 FOO → -ERR Syntax error in HELLO option 'FOO'
        HELLO 3 AUTH me pass → -WRONGPASS invalid username-password pair or user is disabled.
        GET k → $-1
        HELLO 3 → %7|$6|server|$5|redis|$7|version|$6|7.0.15|$5|proto|:3|$2|id|:1|$4|mode|$10|standalone|$4|role|$6|master|$7|modules|*0
        GET k → _
        ZADD z 1.5 a → :1
        ZRANGEBYSCORE z 0 9 WITHSCORES → *1|*2|$1|a|,1.5
        HGETALL none → %0
        FLUSHALL NOW → -ERR syntax error
        FLUSHALL SYNC → +OK
        ",
    );
}

#[test]
fn unknown_commands() {
    script(
        "
        FOO → -ERR unknown command 'FOO', with args beginning with:
        FOO a b → -ERR unknown command 'FOO', with args beginning with: 'a' 'b'
        GET → -ERR wrong number of arguments for 'get' command
        GET a b → -ERR wrong number of arguments for 'get' command
        "
        .replace("with:\n", "with: |\n")
        .replace("'b'\n", "'b' |\n")
        .as_str(),
    );
}

#[test]
fn only_commands_that_ran_are_counted() {
    let mut instance = Instance::default();
    let id = instance.connect();
    for line in ["PING", "FOO", "GET", "GET k", "CLIENT NO"] {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        instance.execute(id, 0, &words);
    }
    assert_eq!(instance.totals.commands, 2);
}

#[test]
fn transactions() {
    script(
        "
        EXEC → -ERR EXEC without MULTI
        DISCARD → -ERR DISCARD without MULTI
        MULTI → +OK
        MULTI → -ERR MULTI calls can not be nested
        WATCH k → -ERR WATCH inside MULTI is not allowed
        SET k v → +QUEUED
        HGET k f → +QUEUED
        GET k → +QUEUED
        b: GET k → $-1
        EXEC → *3|+OK|-WRONGTYPE Operation against a key holding the wrong kind of value|$1|v
        MULTI → +OK
        SET k → -ERR wrong number of arguments for 'set' command
        SET k w → +QUEUED
        EXEC → -EXECABORT Transaction discarded because of previous errors.
        MULTI → +OK
        SET k w → +QUEUED
        DISCARD → +OK
        GET k → $1|v
        MULTI → +OK
        EXEC now → -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
        EXEC now → -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
        MULTI → +OK
        SSUBSCRIBE a → +QUEUED
        BLPOP none 0 → +QUEUED
        WAIT 5 0 → +QUEUED
        EXEC → *3|-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client|*-1|:0
        HELLO 3 → %7|$6|server|$5|redis|$7|version|$6|7.0.15|$5|proto|:3|$2|id|:1|$4|mode|$10|standalone|$4|role|$6|master|$7|modules|*0
        MULTI → +OK
        SUBSCRIBE a → +QUEUED
        PUBLISH a x → +QUEUED
        EXEC → *2|>3|$9|subscribe|$1|a|:1|>3|$7|message|$1|a|$1|x|:1
        ",
    );
}

#[test]
fn a_transaction_fails_when_a_watched_key_changes() {
    script(
        "
        WATCH k other → +OK
        b: SET k v → +OK
        MULTI → +OK
        GET k → +QUEUED
        EXEC → *-1
        MULTI → +OK
        GET k → +QUEUED
        EXEC → *1|$1|v
        WATCH k → +OK
        b: SET k v → +OK
        UNWATCH → +OK
        MULTI → +OK
        EXEC → *0
        WATCH nothing → +OK
        b: FLUSHALL → +OK
        MULTI → +OK
        EXEC → *0
        SET k v PX 10 → +OK
        WATCH k → +OK
        @11
        MULTI → +OK
        EXEC → *-1
        SELECT 1 → +OK
        WATCH k → +OK
        b: SET k v → +OK
        MULTI → +OK
        EXEC → *0
        SET k v PX 10 → +OK
        @22
        WATCH k → +OK
        MULTI → +OK
        b: FLUSHALL → +OK
        EXEC → *0
        ",
    );
}

#[test]
fn who_waits_for_a_sorted_set_is_served_when_one_comes_to_be() {
    script(
        "
        SET z x → +OK
        b: BZPOPMIN none z 0 → -WRONGTYPE Operation against a key holding the wrong kind of value
        DEL z → :1
        b: BZPOPMIN z 0 →
        SET z x → +OK
        ZADD y 1 a → :1
        ZUNIONSTORE z 1 y → :1
        b: →
        ZADD z 2 c → :1
        b: →
        ZPOPMIN z → *2|$1|a|$1|1
        b: →
        RENAME y z → +OK
        b: → *3|$1|z|$1|a|$1|1
        ",
    );
}

#[test]
fn cursors_are_read_as_c_reads_numbers() {
    script(
        "
        HSET h a 1 → :1
        HSCAN h -1 → *2|$1|0|*2|$1|a|$1|1
        HSCAN h +7 → *2|$1|0|*2|$1|a|$1|1
        SCAN -0 → *2|$1|0|*1|$1|h
        SCAN - → -ERR invalid cursor
        SCAN 18446744073709551616 → -ERR invalid cursor
        ZRANGE h 0 1 REV REV → -ERR syntax error
        ",
    );
}

#[test]
fn messages_reach_those_who_listen() {
    script(
        "
        SUBSCRIBE a → *3|$9|subscribe|$1|a|:1
        PSUBSCRIBE n* → *3|$10|psubscribe|$2|n*|:2
        PING → *2|$4|pong|$0||
        GET k → -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
         RESET are allowed in this context
        b: PUBLISH a hello → :1
        → *3|$7|message|$1|a|$5|hello
        b: PUBLISH news x → :1
        → *4|$8|pmessage|$2|n*|$4|news|$1|x
        b: PUBSUB NUMSUB a b → *4|$1|a|:1|$1|b|:0
        b: PUBSUB NUMPAT → :1
        UNSUBSCRIBE → *3|$11|unsubscribe|$1|a|:1
        PUNSUBSCRIBE → *3|$12|punsubscribe|$2|n*|:0
        b: PUBLISH a x → :0
        UNSUBSCRIBE → *3|$11|unsubscribe|$-1|:0
        GET k → $-1
        ",
    );
}

#[test]
fn settings_are_checked_and_passwords_asked_for() {
    script(
        "
        CONFIG SET maxmemory 1kb → +OK
        CONFIG GET maxmemory → *2|$9|maxmemory|$4|1024
        CONFIG SET slave-priority 5 hz x → -ERR CONFIG SET failed (possibly related to argument \
         'hz') - argument couldn't be parsed into an integer
        CONFIG GET replica-priority → *2|$16|replica-priority|$3|100
        CONFIG SET requirepass pw → +OK
        b: PING → -NOAUTH Authentication required.
        b: AUTH no → -WRONGPASS invalid username-password pair or user is disabled.
        b: AUTH pw → +OK
        b: PING → +PONG
        b: RESET → +RESET
        b: PING → -NOAUTH Authentication required.
        ",
    );
}

/// The keys that are left when memory must shrink by a byte, under a policy; three keys are used at
/// 1, 3 and 2 s, and two of them expire, the last one first.
fn left_under(policy: &str) -> String {
    let mut instance = Instance::default();
    let client = instance.connect();
    let ask = |instance: &mut Instance, now_ms: i64, line: &str| {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        instance.execute(client, now_ms, &words);
        let mut out = Vec::new();
        instance.take_output(client, &mut out);
        String::from_utf8(out).expect("a text").replace("\r\n", "|")
    };
    for line in ["SET a 1", "SET b 1 PX 90000", "SET c 1 PX 80000"] {
        ask(&mut instance, 1000, line);
    }
    ask(&mut instance, 3000, "GET b");
    ask(&mut instance, 2000, "GET c");
    let limit = instance.used_memory() - 1;
    ask(&mut instance, 3000, &format!("CONFIG SET maxmemory-policy {policy}"));
    ask(&mut instance, 3000, &format!("CONFIG SET maxmemory {limit}"));
    ask(&mut instance, 3000, "KEYS *")
}

#[test]
fn the_key_that_was_not_used_for_the_longest_time_makes_room() {
    assert_eq!(left_under("allkeys-lru"), "*2|$1|b|$1|c|");
    assert_eq!(left_under("volatile-lru"), "*2|$1|a|$1|b|");
    assert_eq!(left_under("volatile-ttl"), "*2|$1|a|$1|b|");
    assert_eq!(left_under("noeviction"), "*3|$1|a|$1|b|$1|c|");
    assert_eq!(left_under("allkeys-random").len(), "*2|$1|a|$1|b|".len());
}

#[test]
fn uses_are_told_in_seconds() {
    script(
        "
        SET k v → +OK
        @4500
        OBJECT IDLETIME k → :4
        TYPE k → +string
        TTL k → :-1
        EXISTS k → :1
        OBJECT IDLETIME k → :4
        TOUCH k → :1
        OBJECT IDLETIME k → :0
        ",
    );
}
