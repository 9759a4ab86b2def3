//! A violation made up for tests: a message that was owed and never shown.

use super::SECOND;
use crate::record::{Finding, FindingEvent, Origin};

/// A message that a cursor passed.
pub fn finding(number: u64, seq: u64, user: u64) -> Finding {
    let event = |at_ns, actor: &str, text: String, key| FindingEvent {
        at_ns,
        actor: actor.to_owned(),
        brief: Some(text.clone()),
        text,
        key,
        until_ns: None,
        origin: None,
    };
    let mut events = vec![
        event(20_104_332_118 + number, "u3.d0", format!("sends c12#{seq} \"lunch?\""), false),
        event(20_118_002_500, "fault 1", "redis master crashes".to_owned(), false),
        event(20_131_870_000, "u3.d0", format!("sees the ack of c12#{seq}"), false),
        event(
            20_944_010_000,
            &format!("u{user}.d0"),
            format!("durable cursor moves from {} to {} over the gap", seq - 1, seq + 1),
            true,
        ),
        event(
            65_400_000_000,
            &format!("u{user}.d0"),
            format!("end of the run: c12#{seq} was not shown"),
            false,
        ),
    ];
    events[1].until_ns = Some(30 * SECOND);
    events[4].origin = Some(Origin { event: 0, arrived: false });
    Finding {
        also: vec!["ledger".to_owned()],
        count: 2,
        cause: "never shown; shown on other users' devices alone: between fan-out and user; no fault near"
            .to_owned(),
        promise: "A1".to_owned(),
        summary: format!(
            "u{user}.d0 never showed message c12#{seq}, which u3.d0 had sent and saw acked"
        ),
        expected: format!("u{user}.d0 shows c12#{seq}: it was a member when the row got its seq"),
        events,
    }
}
