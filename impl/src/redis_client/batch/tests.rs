use super::*;
use crate::redis_client::Effect;
use crate::units::Span;

/// Replies as they come over the wire, one per line.
fn replies(lines: &[&str]) -> Vec<Value> {
    let parse = |line: &&str| {
        let wire = format!("{}\r\n", line.replace('|', "\r\n"));
        redis::parse_redis_value(wire.as_bytes()).expect("it is a reply")
    };
    lines.iter().map(parse).collect()
}

fn two(atomic: bool) -> Pipeline {
    let mut commands = redis::pipe();
    commands.set("a", 1).ignore().incr("b", 1);
    if atomic {
        commands.atomic();
    }
    commands
}

fn judged(atomic: bool, lines: &[&str]) -> Result<(i64,), Failure> {
    Batch::new(&two(atomic), None).judge(replies(lines))
}

#[test]
fn a_plain_pipeline_may_be_done_in_part() {
    assert_eq!(judged(false, &["+OK", ":1"]), Ok((1,)));
    let Err(failure) = judged(false, &["+OK", "-WRONGTYPE Operation against a key"]) else {
        panic!("a command was refused")
    };
    let Failure::Partly(refusals) = &failure else { panic!("{failure}") };
    assert_eq!((refusals[0].place, refusals[0].code.as_str()), (1, "WRONGTYPE"));
    assert!(failure.is_definite() && !failure.had_no_effect() && !failure.may_pass());
    assert!(!Effect::Once.may_follow(&failure));

    let line = "-READONLY You can't write against a read only replica.";
    let Err(failure) = judged(false, &[line, line]) else { panic!("both were refused") };
    assert!(failure.had_no_effect() && failure.may_pass() && failure.lost_master());
    assert!(Effect::Once.may_follow(&failure));
    assert!(matches!(judged(false, &["+OK", "+what"]), Err(Failure::Misread(_))));
}

#[test]
fn a_transaction_is_done_or_not() {
    assert_eq!(judged(true, &["+OK", "+QUEUED", "+QUEUED", "*2|+OK|:7"]), Ok((7,)));
    let Err(failure) = judged(
        true,
        &[
            "+OK",
            "-OOM command not allowed when used memory > 'maxmemory'.",
            "+QUEUED",
            "-EXECABORT Transaction discarded because of previous errors.",
        ],
    ) else {
        panic!("it was discarded")
    };
    assert!(failure.had_no_effect() && failure.may_pass() && !failure.lost_master());
    let Err(failure) = judged(
        true,
        &[
            "+OK",
            "+QUEUED",
            "+QUEUED",
            "-EXECABORT Transaction discarded because of: READONLY You can't write.",
        ],
    ) else {
        panic!("it was discarded")
    };
    assert!(failure.had_no_effect() && failure.may_pass() && failure.lost_master());
    let line = "*2|+OK|-ERR value is not an integer or out of range";
    let partly = judged(true, &["+OK", "+QUEUED", "+QUEUED", line]);
    assert!(matches!(partly, Err(Failure::Partly(refusals)) if refusals[0].place == 1));
}

#[test]
fn a_script_that_stops_halfway_is_unknown() {
    let halfway = "-WRONGTYPE Operation against a key script: f_ab, on @user_script:1.";
    assert!(matches!(judged(false, &["+OK", halfway]), Err(Failure::Unknown(Doubt::Halfway(_)))));
    // Whether a node is a replica does not change while a script runs.
    let refused = "-READONLY You can't write. script: f_ab, on @user_script:1.";
    assert!(matches!(judged(false, &[refused, refused]), Err(Failure::Refused(_))));
}

#[test]
fn a_guarded_write_counts_once_replicas_have_it() {
    let guard = RedisWait { replicas: 1, timeout: Span::ms(100) };
    let commands = two(true);
    let batch = Batch::new(&commands, Some(&guard));
    let sent = String::from_utf8(batch.wire.get_packed_pipeline()).expect("it is text");
    let (exec, wait) = (sent.find("EXEC"), sent.find("WAIT"));
    assert!(exec.is_some() && exec < wait, "WAIT does not wait in a transaction");
    let judge = |waited| {
        let lines = ["+OK", "+QUEUED", "+QUEUED", "*2|+OK|:7", waited];
        batch.judge::<(i64,)>(replies(&lines))
    };
    assert_eq!(judge(":1"), Ok((7,)));
    assert_eq!(judge(":0"), Err(Failure::Unknown(Doubt::Unreplicated(0))));
}
