//! How often members open a conversation, held against how often somebody writes to it: the ratio of the rates
//! by which a push pays or does not (Silberstein et al., "Feeding Frenzy", SIGMOD 2010).

/// Messages after which the older half of what is known counts half, so that habits may change.
const MESSAGES_MAX: u64 = 256;
/// Fewer messages say nothing.
const MESSAGES_MIN: u64 = 8;

/// What a chat node knows of it.
#[derive(Default)]
pub struct Consumption {
    opens: u64,
    messages: u64,
}

impl Consumption {
    /// Members have opened the conversation so often.
    pub fn opened(&mut self, times: u32) {
        self.opens += u64::from(times);
    }

    /// A message was committed.
    pub fn committed(&mut self) {
        self.messages += 1;
        if self.messages == MESSAGES_MAX {
            self.messages /= 2;
            self.opens /= 2;
        }
    }

    /// Opens per member and 100 messages; nothing until enough is known.
    pub fn opens_percent(&self, members: u32) -> Option<u64> {
        let enough = self.messages >= MESSAGES_MIN && members > 0;
        enough.then(|| 100 * self.opens / (self.messages * u64::from(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_per_member_and_follows_habits() {
        let mut consumption = Consumption::default();
        consumption.opened(40);
        (1..MESSAGES_MIN).for_each(|_| consumption.committed());
        assert_eq!(consumption.opens_percent(10), None);
        consumption.committed();
        assert_eq!(consumption.opens_percent(10), Some(50));
        assert_eq!(consumption.opens_percent(0), None);
        // Nobody opens it any more.
        (0..4 * MESSAGES_MAX).for_each(|_| consumption.committed());
        assert_eq!(consumption.opens_percent(10), Some(0));
    }
}
