//! Fixed scripts of what generated commands seldom come upon. How they are written stands in
//! `administration.rs`.

use super::administration::compare;

#[test]
fn a_line_of_http_ends_the_connection_alike() {
    compare(
        "
        SET k v
        b: POST /
        b2: host: x
        c: MULTI
        c: SET k w
        c: Post
        d: SUBSCRIBE x
        d: post x
        e: CLIENT PAUSE 1000
        f: post x
        +1002
        g: BLPOP l 0
        GET k
        h: POSTS
        h: host
        CONFIG SET requirepass secret
        i: PING
        i: POST x
        ",
    );
}

#[test]
fn who_wants_no_replies_is_told_alike() {
    compare(
        "
        b: PING
        HELLO 3
        CLIENT REPLY OFF
        SUBSCRIBE ch other
        PSUBSCRIBE p*
        SSUBSCRIBE sh
        b: PUBLISH ch 1
        b: PUBLISH pat 2
        b: SPUBLISH sh 3
        PUBLISH ch own
        PING
        GET
        FOO
        MULTI
        UNSUBSCRIBE other
        PING
        CLIENT REPLY ON
        PING
        EXEC
        PING
        CLIENT REPLY SKIP
        UNSUBSCRIBE ch
        PING
        PUNSUBSCRIBE
        SUNSUBSCRIBE
        UNSUBSCRIBE
        b: PUBLISH ch 4
        c: CLIENT REPLY OFF
        c: SUBSCRIBE ch
        c: PING
        c: GET k
        b: PUBLISH ch 5
        c: UNSUBSCRIBE
        c: CLIENT REPLY ON
        PING
        PING
        SUBSCRIBE ch
        CLIENT REPLY SKIP
        RESET
        PING
        b: PUBLISH ch 6
        CLIENT REPLY OFF
        RESET
        PING
        MULTI
        CLIENT REPLY SKIP
        CLIENT REPLY ON
        EXEC
        PING
        PING
        MULTI
        CLIENT REPLY OFF
        PING
        EXEC
        PING
        CLIENT REPLY ON
        d: MONITOR
        d: CLIENT REPLY OFF
        b: SET k v
        d: CLIENT REPLY SKIP
        b: SET k w
        d: CLIENT REPLY ON
        b: GET k
        ",
    );
}

#[test]
fn a_reply_that_is_left_out_is_the_one_that_was_waited_for() {
    compare(
        "
        b: PING
        c: PING
        CLIENT REPLY SKIP
        BLPOP l 0
        b: RPUSH l x
        PING
        CLIENT REPLY SKIP
        BLPOP l 0.1
        +102
        PING
        CLIENT REPLY SKIP
        BZPOPMIN z 0
        b: ZADD z 1 m
        PING
        CLIENT REPLY SKIP
        XREAD BLOCK 0 STREAMS s $
        b: XADD s 1 f v
        PING
        CLIENT REPLY SKIP
        BLPOP l 0
        b: CLIENT KILL TYPE pubsub
        b: RPUSH other y
        b: RPUSH l z
        PING
        CLIENT REPLY SKIP
        WAIT 1 50
        +52
        PING
        CLIENT REPLY SKIP
        b: CLIENT PAUSE 50
        GET k
        +52
        PING
        ",
    );
}

#[test]
fn the_shortest_waits_end_alike() {
    compare(
        "
        BLPOP l 0.001
        +1
        +1
        b: BRPOP l 0.0001
        c: BLMOVE l m LEFT LEFT 0.0015
        d: BZPOPMIN z 0.001
        e: XREAD BLOCK 1 STREAMS s $
        f: BLMPOP 0.001 1 l LEFT
        g: WAIT 1 1
        +1
        +1
        +1
        BLPOP l 16.1
        b: BLPOP l 1.001
        c: BLPOP l 4.35
        d: BLPOP l 0x1p-10
        +1001
        +1
        +3348
        +1
        +11749
        +1
        +1
        BLPOP l 1e-30
        b: BLPOP l 9223372036854775.807
        c: BLPOP l 1e-4940
        +2
        BLPOP l .001
        b: BLPOP l 5.
        +2
        ",
    );
}

#[test]
fn who_waits_behind_a_move_gets_the_same_element() {
    compare(
        "
        b: BLMOVE src dst RIGHT LEFT 0
        c: BLMPOP 0 2 dst src LEFT COUNT 2
        a: RPUSH src 1 2 3
        a: LRANGE src 0 -1
        a: DEL src dst
        b: BLMOVE src dst LEFT RIGHT 0
        c: BLMPOP 0 2 dst src RIGHT COUNT 5
        a: RPUSH src 1
        a: DEL src dst
        b: BLMOVE src src LEFT RIGHT 0
        c: BLMPOP 0 1 src LEFT COUNT 2
        a: RPUSH src 1 2 3
        a: LRANGE src 0 -1
        a: DEL src dst
        b: BLMPOP 0 1 src RIGHT
        c: BRPOPLPUSH src dst 0
        d: BLMPOP 0 2 src dst RIGHT COUNT 10
        a: RPUSH src 1 2 3 4
        a: LRANGE src 0 -1
        a: LRANGE dst 0 -1
        a: DEL src dst
        b: SELECT 1
        b: BLMPOP 0 2 other src RIGHT COUNT 2
        a: RPUSH src 1 2 3
        a: MOVE src 1
        a: SELECT 1
        a: LRANGE src 0 -1
        a: SELECT 0
        c: BLMPOP 0 2 dst src LEFT
        a: MULTI
        a: RPUSH src 1 2 3
        a: LMOVE src dst RIGHT LEFT
        a: LMOVE src src LEFT RIGHT
        a: EXEC
        a: LRANGE src 0 -1
        a: LRANGE dst 0 -1
        a: DEL src dst
        b: SELECT 0
        b: BLMPOP 0 2 dst src LEFT COUNT 3
        a: RPUSH new 1 2
        a: RENAME new src
        a: DEL src dst
        b: BLMPOP 0 1 str LEFT
        c: BLMOVE src str LEFT LEFT 0
        d: BLMPOP 0 1 src LEFT
        a: MULTI
        a: SET str x
        a: RPUSH src 1
        a: EXEC
        a: LRANGE src 0 -1
        a: DEL str
        a: RPUSH src 1
        a: LRANGE src 0 -1
        ",
    );
}

#[test]
fn keys_of_sort_are_told_alike() {
    compare(
        "
        COMMAND GETKEYS SORT k
        COMMAND GETKEYS SORT k STORE d
        COMMAND GETKEYS SORT k STORE
        COMMAND GETKEYS SORT k STORE d STORE e ALPHA
        COMMAND GETKEYS SORT k BY store GET store LIMIT store store STORE d
        COMMAND GETKEYS SORT k foo store BY x
        COMMAND GETKEYS SORT_RO k STORE d
        COMMAND GETKEYS SORT
        CONFIG GET stream-node-max-*
        CONFIG SET stream-node-max-entries -1
        CONFIG SET stream-node-max-bytes x
        CONFIG SET stream-node-max-bytes 1kb stream-node-max-entries 7
        CONFIG GET stream-node-max-*
        ",
    );
}
