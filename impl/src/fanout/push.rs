//! What online devices are sent of a row, however it is stored.

use super::copies;
use crate::config::{Config, Pull, Push};
use crate::model::Row;
use crate::proto::gateway::What;

/// What is pushed of a new row, if anything.
pub fn push(row: &Row, config: &Config) -> Option<What> {
    let waits = config.pull == Pull::OnOpen && !copies(row);
    (!waits).then(|| whole_or_head(row.clone(), config))
}

/// What is pushed of rows that a device lacks, in the order of conversation and seq: where it is to
/// pull them, the last one of each conversation speaks for all.
pub fn lacking(rows: Vec<Row>, config: &Config) -> Vec<What> {
    let mut pushes: Vec<What> = Vec::with_capacity(rows.len());
    for row in rows {
        let what = whole_or_head(row, config);
        match (pushes.last_mut(), &what) {
            (Some(What::Head(last, seq)), What::Head(conversation, later))
                if *last == *conversation =>
            {
                *seq = *later;
            }
            _ => pushes.push(what),
        }
    }
    pushes
}

fn whole_or_head(row: Row, config: &Config) -> What {
    let whole = match config.push {
        Push::ByFanout => copies(&row),
        Push::Content => true,
        Push::Notify => false,
    };
    if whole { What::Row(row) } else { What::Head(row.conversation, row.seq) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{
        Body, ClientMsgId, ConversationId, Delivery, MessageId, SendKey, Seq, UserId,
    };

    fn row(conversation: u64, seq: Seq, delivery: Delivery) -> Row {
        Row {
            conversation: ConversationId(conversation),
            seq,
            message_id: MessageId(seq),
            key: SendKey { sender: UserId(1), client_msg_id: ClientMsgId(seq) },
            delivery,
            members_version: 1,
            body: Body::Content(Bytes::new()),
        }
    }

    #[test]
    fn each_way_of_pushing_over_each_way_of_storing() {
        let of = |push_as, pull, delivery| {
            let config = Config { push: push_as, pull, ..Config::default() };
            match push(&row(1, 7, delivery), &config) {
                None => "nothing",
                Some(What::Row(_)) => "row",
                Some(What::Head(..)) => "head",
            }
        };
        for (push_as, written, read) in [
            (Push::ByFanout, "row", "head"),
            (Push::Content, "row", "row"),
            (Push::Notify, "head", "head"),
        ] {
            assert_eq!(of(push_as, Pull::OnNotify, Delivery::Write), written, "{push_as:?}");
            assert_eq!(of(push_as, Pull::OnNotify, Delivery::Read), read, "{push_as:?}");
            assert_eq!(of(push_as, Pull::OnOpen, Delivery::Write), written, "{push_as:?}");
            assert_eq!(of(push_as, Pull::OnOpen, Delivery::Read), "nothing", "{push_as:?}");
        }
    }

    #[test]
    fn what_a_device_lacks_is_told_of_once_per_conversation() {
        let rows =
            || [(1, 2), (1, 3), (2, 9)].map(|(c, seq)| row(c, seq, Delivery::Write)).to_vec();
        let whole: Vec<What> = rows().into_iter().map(What::Row).collect();
        assert_eq!(lacking(rows(), &Config::default()), whole);
        let notify = Config { push: Push::Notify, ..Config::default() };
        let heads = [What::Head(ConversationId(1), 3), What::Head(ConversationId(2), 9)];
        assert_eq!(lacking(rows(), &notify), heads);
    }
}
