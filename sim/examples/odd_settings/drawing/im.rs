//! The `[im]` table: variants, timings, bounds.

use super::Facts;
use super::dice::Dice;

/// In so many of a hundred cases a key is there at all.
const OFTEN: u64 = 25;
/// So many of a hundred scenarios may have a variant that is known to break a promise.
const UNSOUND: u64 = 12;

pub fn draw(dice: &mut Dice, facts: &mut Facts) {
    dice.table("[im]");
    if let Some(bug) = facts.bias.planted {
        dice.write("sabotage", format!("\"{}\"", bug.name()));
    }
    fanout(dice, facts);
    match facts.bias.planted.is_none() && dice.now_and_then(UNSOUND) {
        true => unsound(dice, facts),
        false => sound(dice, facts),
    }
    uses_of_redis(dice);
    timings(dice);
    bounds(dice);
}

fn fanout(dice: &mut Dice, facts: &mut Facts) {
    let fanout = dice.maybe(70, "fanout", &["\"write\"", "\"read\"", "\"hybrid\""]);
    facts.hybrid = fanout.is_none_or(|name| name == "\"hybrid\"");
    dice.maybe(40, "hybrid_threshold", &["0", "1", "2", "3", "5", "10", "4294967295"]);
    dice.maybe(20, "hybrid_opens_percent", &["0", "1", "50", "400"]);
    dice.maybe(30, "push", &["\"by-fanout\"", "\"content\"", "\"notify\""]);
    if dice.now_and_then(30) {
        let max = *dice.pick("merge.max", &["1", "2", "10", "50"]);
        let window = *dice.pick("merge.window", &["1ms", "15ms", "200ms", "900ms"]);
        dice.write("merge", format!("{{ max = {max}, window = \"{window}\" }}"));
    }
    facts.on_open = dice.maybe(20, "pull", &["\"on-open\""]).is_some();
}

/// Variants under which every promise must hold.
fn sound(dice: &mut Dice, facts: &mut Facts) {
    let ids = ["\"snowflake\"", "\"redis-incr-epoch\"", "\"redis-incr-floor\""];
    dice.maybe(OFTEN, "ids", &ids);
    dice.maybe(OFTEN, "id_block", &["1", "2", "100", "100000"]);
    dice.maybe(OFTEN, "commit", &["\"store\"", "\"log\""]);
    let inbox = dice.maybe(OFTEN, "inbox", &["\"copy-until-ack\"", "\"redis-queue-over-store\""]);
    facts.queues_in_redis = inbox == Some("\"redis-queue-over-store\"");
    ownership(dice, facts);
}

fn ownership(dice: &mut Dice, facts: &mut Facts) {
    let names = ["\"store-epoch\"", "\"redis-lock\"", "\"redlock\""];
    let ownership = dice.maybe(OFTEN, "ownership", &names);
    facts.redlock = ownership == Some("\"redlock\"");
    dice.maybe(OFTEN, "lock_ttl", &["\"1ms\"", "\"100ms\"", "\"600ms\"", "\"3s\"", "\"30s\""]);
}

/// One variant that is known to break a promise, when something goes wrong or also without.
fn unsound(dice: &mut Dice, facts: &mut Facts) {
    match dice.below(5) {
        0 => {
            dice.key("ids", "\"redis-incr\"");
            facts.unsound(&["A2"]);
        }
        1 => {
            dice.key("commit", "\"dual\"");
            facts.unsound(&["A1", "ledger"]);
        }
        2 => {
            dice.key("inbox", "\"redis-queue\"");
            facts.queues_in_redis = true;
            facts.unsound(&["A1", "ledger"]);
        }
        3 => {
            dice.key("idempotency", "\"redis\"");
            facts.unsound(&["A2"]);
        }
        _ => {
            dice.key("fencing", "false");
            let ownership = dice.draw("ownership", &["\"redis-lock\"", "\"redlock\""]);
            facts.redlock = ownership == "\"redlock\"";
            facts.unsound(&["A2", "A3", "ledger"]);
        }
    }
}

fn uses_of_redis(dice: &mut Dice) {
    dice.maybe(OFTEN, "member_cache", &["\"none\"", "\"redis\""]);
    dice.maybe(OFTEN, "recent_cache", &["\"none\"", "\"redis\""]);
    dice.maybe(OFTEN, "conversations", &["\"none\"", "\"store\"", "\"redis\""]);
    dice.maybe(OFTEN, "conversations_kept", &["1", "3", "100"]);
    dice.maybe(OFTEN, "conversations_life", &["\"1ms\"", "\"1s\"", "\"600s\""]);
    dice.maybe(OFTEN, "limits", &["\"none\"", "\"local\"", "\"redis\""]);
    dice.maybe(OFTEN, "limit_sends", &["1", "3", "20", "1000"]);
    dice.maybe(OFTEN, "limit_window", &["\"1ms\"", "\"100ms\"", "\"1s\"", "\"5s\""]);
    dice.maybe(OFTEN, "limit_without_redis", &["\"open\"", "\"closed\""]);
    dice.maybe(OFTEN, "redis_timeout", &["\"1ms\"", "\"20ms\"", "\"250ms\"", "\"2s\""]);
    dice.maybe(OFTEN, "redis_redial", &["\"1ms\"", "\"20ms\"", "\"500ms\"", "\"3s\""]);
    dice.maybe(OFTEN, "redis_tries", &["1", "2", "4", "20"]);
    if dice.now_and_then(10) {
        let replicas = *dice.pick("redis_wait.replicas", &["0", "1", "2"]);
        let timeout = *dice.pick("redis_wait.timeout", &["1ms", "50ms", "1s"]);
        dice.write("redis_wait", format!("{{ replicas = {replicas}, timeout = \"{timeout}\" }}"));
    }
}

fn timings(dice: &mut Dice) {
    let schedules = [
        "[\"1s\", \"3s\", \"5s\"]",
        "[\"20ms\"]",
        "[\"100ms\", \"200ms\"]",
        "[\"1s\"]",
        "[\"10s\"]",
    ];
    dice.maybe(OFTEN, "send_retry", &schedules);
    dice.maybe(OFTEN, "push_retry", &schedules);
    // A heartbeat and the silence that is twice as long at least belong together.
    if dice.now_and_then(50) {
        let pairs = [
            ("100ms", "30s"),
            ("500ms", "10s"),
            ("2s", "7s"),
            ("5s", "90s"),
            ("10s", "20001ms"),
            ("25s", "60s"),
            ("500ms", "2s"),
            ("100ms", "210ms"),
            ("200ms", "1s"),
        ];
        let pairs = dice.tame_or_wild(&pairs, 6);
        let (heartbeat, idle) = *dice.one_of(pairs);
        dice.key("heartbeat", format!("\"{heartbeat}\""));
        dice.key("idle_timeout", format!("\"{idle}\""));
    }
    let calls = ["\"1s\"", "\"2s\"", "\"4s\"", "\"10s\"", "\"500ms\"", "\"150ms\"", "\"40ms\""];
    dice.maybe_wild(OFTEN, "call_timeout", &calls, 4);
    dice.maybe(OFTEN, "reconnect", &["\"1ms\"", "\"50ms\"", "\"500ms\"", "\"3s\""]);
    dice.maybe(OFTEN, "lease", &["\"50ms\"", "\"200ms\"", "\"2001ms\"", "\"5s\"", "\"20s\""]);
    dice.maybe(OFTEN, "presence_lease", &["\"150ms\"", "\"1s\"", "\"11s\"", "\"30s\"", "\"300s\""]);
    dice.maybe(OFTEN, "ack_flush", &["\"0s\"", "\"1ms\"", "\"50ms\"", "\"1s\""]);
}

fn bounds(dice: &mut Dice) {
    dice.maybe(OFTEN, "push_shard", &["1", "2", "100"]);
    dice.maybe(OFTEN, "recent_rows", &["1", "5", "100"]);
    dice.maybe_wild(OFTEN, "sync_rows", &["5", "20", "200", "1"], 3);
    dice.maybe(OFTEN, "hold_back_rows", &["1", "5", "1000"]);
    dice.maybe(OFTEN, "chat_queue", &["1", "2", "10", "1000"]);
    dice.maybe(OFTEN, "commit_rows", &["1", "2", "64"]);
    dice.maybe(OFTEN, "fetch_records", &["1", "3", "256"]);
}
