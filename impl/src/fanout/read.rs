//! Read fan-out: only the timeline is written. Online devices hear of the new seq and pull, or pull
//! when their users open the conversation.

use super::{Expansion, Strategy};
use crate::config::{Config, Pull};
use crate::model::{Delivery, Row};
use crate::proto::gateway::What;

pub struct Read;

impl Strategy for Read {
    fn delivery(&self, _members: u32) -> Delivery {
        Delivery::Read
    }
}

pub fn expand(row: &Row, config: &Config) -> Expansion {
    let told = config.pull == Pull::OnNotify;
    Expansion { copy: false, push: told.then(|| What::Head(row.conversation, row.seq)) }
}
